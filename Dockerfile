# The API and the worker: one image, two commands. Postgres is another container's job.
FROM python:3.12-slim AS build
WORKDIR /src
RUN python -m venv /opt/aiconvokit
# The lock first: this layer is built again only when it changes.
COPY requirements/local.txt requirements/local.txt
RUN /opt/aiconvokit/bin/pip install --no-cache-dir --require-hashes -r requirements/local.txt
COPY pyproject.toml README.md LICENSE ./
COPY migrations migrations
COPY ingestion ingestion
COPY aiconvokit aiconvokit
RUN /opt/aiconvokit/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin aiconvokit \
    && install -d -o aiconvokit -g aiconvokit -m 0700 /data
COPY --from=build /opt/aiconvokit /opt/aiconvokit
ENV PATH=/opt/aiconvokit/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    AICONVOKIT_DATA_DIR=/data
USER aiconvokit
WORKDIR /data
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["aiconvokit"]
CMD ["serve", "--host", "0.0.0.0"]
