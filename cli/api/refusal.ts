/** A "no" with a code, from the control plane or from a check before anything is sent. */
import { array, type infer as Infer, looseObject, optional, safeParse, string } from "zod/mini";
import { toPrintable } from "../output/printable.ts";
import { CliError } from "../output.ts";

const problemSchema = looseObject({
  code: string(),
  detail: string(),
  hint: optional(string()),
  errors: optional(array(looseObject({ message: string(), hint: optional(string()) }))),
});
type Problem = Infer<typeof problemSchema>;

/** With `-o json` the document goes to standard output, so that a program can read the code. */
export class Refusal extends CliError {
  readonly document: Problem;

  constructor(document: Problem, ...hints: string[]) {
    const messages = document.errors?.map(({ message }) => message) ?? [];
    const own = [document.hint, ...(document.errors?.map(({ hint }) => hint) ?? [])].filter(
      (hint) => hint !== undefined,
    );
    const shown = hints.length > 0 ? hints : [...new Set(own)].map(toPrintable);
    super(toPrintable(messages.length > 0 ? messages.join("; ") : document.detail), ...shown);
    this.document = document;
  }
}

/** A check of ours, before anything is sent. */
export function refuse(code: string, detail: string, hint: string): Refusal {
  return new Refusal({ code, detail, hint });
}

/** Undefined for anything but a problem document of the control plane. */
export function parseProblem(body: unknown): Problem | undefined {
  return safeParse(problemSchema, body).data;
}
