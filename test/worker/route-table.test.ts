/** Which route a request meets. */
import { describe, expect, it } from "vitest";
import type { RouteDefinition } from "../../src/contract/project.ts";
import { createRouteTable } from "../../src/gateway/route-table.ts";
import { route } from "./support.ts";

const table = (...routes: RouteDefinition[]) => createRouteTable(routes, (definition) => definition);

/** Path of the matched route and its parameters, or what was found instead. */
function find(routes: RouteDefinition[], path: string, method = "GET") {
  const match = table(...routes).match(method, path);
  if (match.kind === "found") return [match.route.path, { ...match.params }];
  return match.kind === "not_found" ? "not_found" : match.allowed;
}

const pattern = (path: string, method = "GET") => route(path, { pathMode: "url-pattern", method });

describe("open-api paths", () => {
  it("match literally and by parameter", () => {
    expect(find([route("/a/{b}/c")], "/a/x/c")).toEqual(["/a/{b}/c", { b: "x" }]);
    expect(find([route("/a/{b}/c")], "/a/x/d")).toBe("not_found");
    expect(find([route("/a/{b}")], "/a/")).toBe("not_found");
    expect(find([route("/a/{b}")], "/a/x/y")).toBe("not_found");
    expect(find([route("/")], "/")).toEqual(["/", {}]);
  });

  it("tell a trailing slash and the case of letters apart", () => {
    expect(find([route("/a")], "/a/")).toBe("not_found");
    expect(find([route("/a")], "/A")).toBe("not_found");
  });

  it("give the first in document order, whichever is more specific", () => {
    expect(find([route("/{any}"), route("/a")], "/a")).toEqual(["/{any}", { any: "a" }]);
    expect(find([route("/a"), route("/{any}")], "/a")).toEqual(["/a", {}]);
    const conflicting = [route("/x/{a}/y"), route("/{b}/y/y"), route("/x/y/{c}")];
    expect(find(conflicting, "/x/y/y")).toEqual(["/x/{a}/y", { a: "y" }]);
    expect(find(conflicting, "/z/y/y")).toEqual(["/{b}/y/y", { b: "z" }]);
  });

  it("have parameters inside segments", () => {
    expect(find([route("/files/{name}.{extension}")], "/files/a.txt")).toEqual([
      "/files/{name}.{extension}",
      { name: "a", extension: "txt" },
    ]);
  });

  it.each(["/a*", "/a/*", "/a/:b", "/a?", "/a(b)", "/a|b", "/a+", "/a$", "/[a]", "/items:batch", "/a b", "/é"])(
    "mean every other character literally: %s",
    (path) => {
      const { pathname } = new URL(`https://a${path.replace("?", "%3F")}`);
      expect(find([route(path)], pathname)).toEqual([path, {}]);
      expect(find([route(path)], "/a/b")).toBe("not_found");
    },
  );

  it("decode parameters, and hand on what cannot be decoded", () => {
    expect(find([route("/{a}")], "/x%2Fy%20z")).toEqual(["/{a}", { a: "x/y z" }]);
    expect(find([route("/{a}")], "/%E0%A4%A")).toEqual(["/{a}", { a: "%E0%A4%A" }]);
    expect(find([pattern("/:a/x")], "/%zz/x")).toEqual(["/:a/x", { a: "%zz" }]);
  });

  it("are not got around by encoding letters", () => {
    const routes = [route("/v1/secret"), pattern("/v1/*")];
    expect(find(routes, "/v1/%73ecret")).toEqual(["/v1/secret", {}]);
    expect(find([route("/caf%c3%a9")], "/caf%C3%A9")).toEqual(["/caf%c3%a9", {}]);
  });

  it("may name parameters like members of Object.prototype", () => {
    const match = table(route("/{__proto__}/{constructor}")).match("GET", "/a/b");
    expect(match.kind === "found" && Object.entries(match.params).sort()).toEqual([
      ["__proto__", "a"],
      ["constructor", "b"],
    ]);
    expect(find([route("/a")], "/__proto__")).toBe("not_found");
    expect(find([route("/a")], "/constructor", "__proto__")).toBe("not_found");
  });
});

describe("url-pattern paths", () => {
  it("match wildcards, groups and expressions", () => {
    expect(find([pattern("/v1/*")], "/v1/a/b")).toEqual(["/v1/*", { 0: "a/b" }]);
    expect(find([pattern("/v1/*")], "/v1")).toBe("not_found");
    expect(find([pattern("/:id(\\d+)")], "/42")).toEqual(["/:id(\\d+)", { id: "42" }]);
    expect(find([pattern("/:id(\\d+)")], "/x")).toBe("not_found");
  });

  it("keep document order with open-api paths", () => {
    expect(find([pattern("/*"), route("/a")], "/a")).toEqual(["/*", { 0: "a" }]);
    expect(find([route("/a"), pattern("/*")], "/a")).toEqual(["/a", {}]);
    expect(find([route("/{a}"), pattern("/*"), route("/b")], "/b")).toEqual(["/{a}", { a: "b" }]);
  });
});

describe("methods", () => {
  it("that the path does not have are told", () => {
    expect(find([route("/a"), route("/a", { method: "POST" }), route("/b", { method: "PUT" })], "/a", "PUT")).toEqual([
      "GET",
      "POST",
      "HEAD",
    ]);
  });

  it("HEAD is answered through GET unless it has an operation of its own", () => {
    expect(find([route("/a")], "/a", "HEAD")).toEqual(["/a", {}]);
    expect(find([route("/a", { method: "POST" })], "/a", "HEAD")).toEqual(["POST"]);
    const match = table(route("/a"), route("/a", { method: "HEAD" })).match("HEAD", "/a");
    expect(match.kind === "found" && match.route.method).toBe("HEAD");
  });

  it("are looked for in an empty project without harm", () => {
    expect(find([], "/a")).toBe("not_found");
  });
});
