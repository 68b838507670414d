# syntax=docker/dockerfile:1
# Parley in a container: one static binary and what TLS needs, nothing else, and not as root.
#
#   docker build -t parley --build-arg VERSION=v1.2.3 .
#   docker run -p 3000:3000 -v parley:/data parley

FROM node:20-bookworm-slim AS web
WORKDIR /src/web
# The version that web/package.json names.
RUN npm install --global --silent pnpm@10.34.9
COPY web/package.json web/pnpm-lock.yaml ./
RUN pnpm install --frozen-lockfile
COPY web ./
RUN pnpm run build

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=web /src/web/dist web/dist
ARG VERSION=container
RUN CGO_ENABLED=0 go build -buildvcs=false -trimpath -tags grpcnotrace \
    -ldflags "-s -w -X github.com/parley-chat/parley/internal/app.release=${VERSION}" -o /out/parley ./cmd/parley
# Volumes begin with the owner that the folder has here.
RUN mkdir -p /out/data /out/files /out/tmp && chmod 1777 /out/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=65532:65532 /out/files /files
COPY --from=build /out/tmp /tmp
COPY --from=build /out/parley /parley
COPY LICENSE /LICENSE
USER 65532:65532
ENV PARLEY_DATA_DIR=/data
VOLUME ["/data"]
EXPOSE 3000
STOPSIGNAL SIGTERM
ENTRYPOINT ["/parley"]
CMD ["serve"]
