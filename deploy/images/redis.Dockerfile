# The managed Redis for machines that build their images themselves; elsewhere docker.io/library/redis serves as it is.
ARG REDIS_IMAGE=docker.io/library/redis:7.4-bookworm
FROM ${REDIS_IMAGE}
WORKDIR /data
USER 65532:65532
CMD ["redis-server", "--port", "6379"]
