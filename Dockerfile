# Jupyter's notebook server with the kernel installed and the course in
# /home/student/notebooks:
#
#   docker build -t sslnotes .
#   docker run --rm -p 127.0.0.1:8888:8888 -v sslnotes:/home/student/work sslnotes
#
# The address with its token is printed at the start. The port is published on
# the loopback interface alone; whoever has the token runs code as "student".
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN go build -trimpath -o /sslnotes . && /sslnotes version

FROM debian:bookworm-slim
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates jupyter-notebook jupyter-nbconvert jupyter-client tini \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /sslnotes /usr/local/bin/sslnotes
RUN sslnotes install --prefix /usr && useradd --create-home --uid 1000 student
COPY --chown=student notebooks/*.ipynb /home/student/notebooks/
USER student
WORKDIR /home/student
RUN mkdir work
# Runs outlive the container in the volume "work".
ENV SSLNOTES_DB=/home/student/work/runs.db
EXPOSE 8888
# 0.0.0.0 is inside the container; see above for what is published of it.
ENTRYPOINT ["tini", "--"]
CMD ["jupyter", "notebook", "--ip=0.0.0.0", "--port=8888", "--no-browser"]
