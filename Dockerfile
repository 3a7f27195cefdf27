# Sallyport: every command of it, as a user without rights and with nothing to write to but what is mounted.
#   docker build -t sallyport .
#   docker run --init --read-only --tmpfs /tmp --tmpfs /project/.build:uid=10001,mode=0700 \
#     -v sallyport:/var/lib/sallyport -v ./config:/project/config:ro -v ./modules:/project/modules:ro -p 8443:8443 sallyport
FROM node:24-bookworm-slim AS install
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The `node` package keeps its binary twice, as one file here and as two in a layer.
RUN npm ci --omit=dev && rm -rf node_modules/node/node_modules

FROM debian:bookworm-slim
# The Node of the `node` package (see ARCHITECTURE.md), for the commands and for what they start
ENV PATH=/app/node_modules/.bin:$PATH HOME=/tmp NODE_ENV=production WRANGLER_SEND_METRICS=false
WORKDIR /app
COPY --from=install /app/node_modules node_modules
COPY package.json ./
COPY cli cli
COPY edge-shim edge-shim
COPY fixtures fixtures
COPY src src
RUN ln -s /app/cli/main.ts /usr/local/bin/sallyport \
  && groupadd --gid 10001 sallyport \
  && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp sallyport \
  && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/sallyport /project /project/.build
USER 10001:10001
VOLUME /var/lib/sallyport
EXPOSE 8443
# Of `serve`; with `control` and other commands: docker run --no-healthcheck
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9464/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["sallyport"]
CMD ["serve", "--host", "0.0.0.0", "--no-origin", "--environment", "production", "--project-dir", "/project", "--state-dir", "/var/lib/sallyport/state"]
