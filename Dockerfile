# The bot as an image: docs/deployment.md. Written for BuildKit and for the classic builder alike.
#
# CPython 3.11 of Debian 12, because the SIP library's package has wheels for 3.11 and 3.12 only.
ARG BASE=debian:bookworm-slim
# What the libraries are got with: another one brings its own certificates, index or wheels.
ARG BUILD_BASE=$BASE

# --- libraries: change with pyproject.toml only ----------------------------------------------------------------------
FROM ${BUILD_BASE} AS libraries
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends python3-pip python3-venv \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
WORKDIR /build
COPY pyproject.toml ./
# pip stays outside of what is carried over, and so does what only builds. Left out of that: places and companies of
# telephone numbers, tests of libraries. The program lies beside its libraries, so that a new one does not move them.
RUN python3 -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb")); \
open("build.txt", "w").write("\n".join(p["build-system"]["requires"])); \
open("run.txt", "w").write("\n".join(p["project"]["dependencies"]))' \
 && python3 -m venv --without-pip /opt/ivr \
 && python3 -m pip install -q --no-cache-dir --target /build/tools -r build.txt \
 && python3 -m pip --python /opt/ivr/bin/python install -q --no-cache-dir -r run.txt \
 && cd /opt/ivr/lib/python3*/site-packages \
 && rm -rf phonenumbers/geodata phonenumbers/carrierdata phonenumbers/tzdata \
 && find . -depth -type d -name tests -exec rm -rf {} + \
 && echo /opt/ivr/program > ivr-program.pth

# --- the program -----------------------------------------------------------------------------------------------------
FROM libraries AS program
COPY README.md LICENSE ./
COPY ivr ivr
RUN PYTHONPATH=/build/tools python3 -m pip --python /opt/ivr/bin/python install \
    -q --no-deps --no-build-isolation --target /opt/ivr/program .

# --- the bot ---------------------------------------------------------------------------------------------------------
FROM ${BASE} AS bot
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends python3 libespeak-ng1 ca-certificates \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
 && useradd --uid 10001 --no-log-init --home-dir /var/lib/ivr --shell /usr/sbin/nologin ivr \
 && install -d -o ivr -g ivr /var/lib/ivr \
 && install -d /etc/ivr && ln -s /var/lib/ivr /etc/ivr/var
COPY --from=libraries /opt/ivr /opt/ivr
COPY --from=program /opt/ivr/program /opt/ivr/program
COPY ivr.yaml /etc/ivr/
COPY flows /etc/ivr/flows
COPY sounds /etc/ivr/sounds
ENV PATH=/opt/ivr/program/bin:$PATH IVR_SPEECH__CACHE_DIR=/var/lib/ivr/cache PYTHONUNBUFFERED=1
USER ivr
WORKDIR /etc/ivr
VOLUME /var/lib/ivr
EXPOSE 5060/udp 5060/tcp 10000-10099/udp
HEALTHCHECK --interval=30s --timeout=5s --start-period=2m CMD ["ivr", "ping"]
ENTRYPOINT ["ivr"]
CMD ["serve"]

# --- the bot with Kamailio, for more calls than one worker takes -----------------------------------------------------
FROM bot AS front
USER root
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    kamailio kamailio-tls-modules kamailio-websocket-modules netbase \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
USER ivr
