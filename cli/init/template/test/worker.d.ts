/** What `exports.default` of `cloudflare:workers` is in a test: the worker that `sallyport build` writes. */
declare namespace Cloudflare {
  interface GlobalProps {
    mainModule: { default: ExportedHandler };
  }
}
