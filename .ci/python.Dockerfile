# A Python copied from this machine, at its own path, on the Debian that .ci/engine makes.
# pip reads pip.conf for this machine's certificates and settings.
ARG BASE
FROM ${BASE}
ARG PREFIX
ADD python.tar /
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY pip.conf /etc/pip.conf
ENV PATH=${PREFIX}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    PIP_DISABLE_PIP_VERSION_CHECK=1
CMD ["python"]
