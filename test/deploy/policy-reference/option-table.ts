/** The table of a schema's options: everything in it is the schema's own, by way of JSON Schema. */
import { z } from "zod";
import { code, prose, table } from "./markdown.ts";

interface JsonSchema {
  type?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: unknown;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  enum?: unknown[];
  const?: unknown;
  pattern?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  minItems?: number;
}

/** Says what the option at `path` does. */
export type DescribeOption = (path: readonly string[]) => string;

/** What zod writes for an integer without a limit of its own */
const UNLIMITED = Number.MAX_SAFE_INTEGER;

/** The table, and below it what becomes of names that are not in it. */
export function describeOptions(schema: z.ZodType, describe: DescribeOption): string {
  const json = toJsonSchema(schema);
  const head = ["option", "type", "default", "required", "what it does"];
  return [table(head, describeProperties(json, [], "", describe)), describeOtherNames(json)].join("\n\n");
}

/** Of what users write, before defaults are filled in. What is made fit first (`z.preprocess`) is what it has to become. */
function toJsonSchema(schema: z.core.$ZodType): JsonSchema {
  const json = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      // zod leaves defaults of what is made fit out, since they do not have the type of the input.
      if (def.type === "default") jsonSchema.default = def.defaultValue as z.core.JSONSchema.JSONSchema["default"];
      if (def.type === "pipe" && def.in._zod.def.type === "transform") {
        Object.assign(jsonSchema, toJsonSchema(def.out));
      }
    },
  });
  return json as JsonSchema;
}

function describeProperties(
  { properties = {}, required = [] }: JsonSchema,
  path: readonly string[],
  prefix: string,
  describe: DescribeOption,
): string[][] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const here = [...path, name];
    const written = prefix + name;
    const isRequired = required.includes(name) ? "yes" : "no";
    const value = "default" in schema ? code(JSON.stringify(schema.default)) : "";
    const cells = [code(written), describeType(schema), value, isRequired, prose(describe(here))];
    const inner = schema.items?.properties ? schema.items : schema;
    return [cells, ...describeProperties(inner, here, inner === schema ? `${written}.` : `${written}[].`, describe)];
  });
}

function describeType(schema: JsonSchema): string {
  if (schema.anyOf) return schema.anyOf.map(describeType).join(", or ");
  if (schema.enum) return `one of ${schema.enum.map((value) => code(String(value))).join(" ")}`;
  switch (schema.type) {
    case "array":
      return `array${describeCount(schema)} of ${describeType(schema.items ?? {})}`;
    case "integer":
    case "number":
      return `${schema.type}${describeRange(schema)}`;
    case "string":
      return `string${describeText(schema)}`;
    case undefined:
      return "JSON";
    default:
      return schema.type;
  }
}

function describeCount({ minItems = 0 }: JsonSchema): string {
  return minItems === 0 ? "" : ` (${minItems} or more)`;
}

function describeText({ minLength = 0, pattern }: JsonSchema): string {
  if (pattern !== undefined) return `, ${code(pattern)}`;
  return minLength === 0 ? "" : ` (${minLength} or more characters)`;
}

function describeRange({ minimum = -UNLIMITED, maximum = UNLIMITED }: JsonSchema): string {
  if (minimum === -UNLIMITED && maximum === UNLIMITED) return "";
  if (maximum === UNLIMITED) return `, ${minimum} or more`;
  return minimum === -UNLIMITED ? `, ${maximum} or less` : `, ${minimum} to ${maximum}`;
}

function describeOtherNames(json: JsonSchema): string {
  const open = findOpenObjects(json, "");
  const inside = open.length === 0 ? "" : `, but for those inside of ${open.map(code).join(", ")}, which are ignored`;
  return `Other names are refused${inside}.`;
}

function findOpenObjects(schema: JsonSchema, path: string): string[] {
  const own = schema.properties && schema.additionalProperties !== false ? [path] : [];
  const children = Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    return findOpenObjects(child.items ?? child, path === "" ? name : `${path}.${name}`);
  });
  return [...own, ...children];
}
