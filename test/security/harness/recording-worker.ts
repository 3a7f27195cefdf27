/**
 * A shell around the gateway worker that writes down every request as workerd handed it over, before any code of ours
 * saw it: how many there were, where each began, which headers arrived. Bundled around the worker by global-setup.ts.
 */

/** Paths of the shell's own; no route of the example project begins like this */
export const RECORDED_PATH = "/recorded-by-the-shell/";
/** Followed by milliseconds: how far ahead the clock of the worker is from now on */
export const CLOCK_PATH = "/clock-of-the-shell/";

/** A request as it reached the worker */
export interface RecordedRequest {
  method: string;
  url: string;
  /** Lower-case names; workerd joins repeated ones */
  headers: Record<string, string>;
}

interface Worker {
  fetch(request: Request, bindings: unknown, context: unknown): Response | Promise<Response>;
}

export function recordRequests(gateway: Worker): Worker {
  const recorded: RecordedRequest[] = [];
  const clock = createClock();
  return {
    fetch(request, bindings, context) {
      const { pathname } = new URL(request.url);
      if (pathname.startsWith(RECORDED_PATH)) {
        const mark = pathname.slice(RECORDED_PATH.length);
        return Response.json(recorded.filter(({ url, headers }) => `${url} ${headers.host}`.includes(mark)));
      }
      if (pathname.startsWith(CLOCK_PATH)) {
        clock.aheadMs = Number(pathname.slice(CLOCK_PATH.length));
        return new Response(null, { status: 204 });
      }
      recorded.push({ method: request.method, url: request.url, headers: Object.fromEntries(request.headers) });
      return gateway.fetch(request, bindings, context);
    },
  };
}

/** The worker reads the time by `new Date()`: this one can be set ahead. */
function createClock(): { aheadMs: number } {
  const clock = { aheadMs: 0 };
  const RealDate = Date;
  globalThis.Date = class extends RealDate {
    constructor(...parameters: [] | [value: number | string | Date]) {
      if (parameters.length === 0) super(RealDate.now() + clock.aheadMs);
      else super(...parameters);
    }
  } as DateConstructor;
  return clock;
}
