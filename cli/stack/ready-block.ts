/** What a person sees when everything answers; and for `--once`, the answers. */
import { CliError, print } from "../output.ts";
import { formatCurl, isExpected, type ReadyLine, sendReadyRequest } from "./ready-requests.ts";

export interface ReadyBlock {
  edgeUrl: string;
  controlUrl: string;
  originUrl: string | undefined;
  edgeCaPath: string;
  lines: readonly ReadyLine[];
}

export function printReadyBlock({ edgeUrl, controlUrl, originUrl, edgeCaPath, lines }: ReadyBlock): void {
  print("\nSallyport is ready.\n");
  print(`  gateway        ${edgeUrl}`);
  print(`  control plane  ${controlUrl}  (described at ${controlUrl}/docs; try: npx sallyport ca-certificate list)`);
  if (originUrl !== undefined)
    print(`  origin         ${originUrl}  (wants a client certificate: the gateway presents one)`);
  for (const { title, requests } of lines) print(`\n  # ${title}\n  ${formatCurl(edgeUrl, edgeCaPath, requests)}`);
  print("");
}

/** @throws CliError when an answer was not the expected one */
export async function sendAll(edgeUrl: string, edgeCaPath: string, lines: readonly ReadyLine[]): Promise<void> {
  let unexpected = 0;
  for (const request of lines.flatMap((line) => line.requests)) {
    const answer = await sendReadyRequest(edgeUrl, edgeCaPath, request);
    const isAsExpected = isExpected(request, answer);
    if (!isAsExpected) unexpected += 1;
    print(`# ${request.title}\n$ ${formatCurl(edgeUrl, edgeCaPath, [request])}`);
    print(`${isAsExpected ? "✓" : "✗"} ${answer.status} ${answer.body.trimEnd()}\n`);
  }
  if (unexpected > 0) throw new CliError(`${unexpected} answers were not the expected ones`);
}
