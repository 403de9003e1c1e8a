#!/bin/sh
# Makes this container's key and certificate, starts nginx with them, and renews them in time.
#
# AUTHORITY_ARN  the private CA that issues                     (required)
# SERVER_NAME    the DNS name that clients ask for              (required)
# TEMPLATE_ARN   what the certificate is for                    (a TLS server)
# DAYS           its validity                                   (7)
# TLS_FOLDER     where key and certificate are: a tmpfs         (/run/tls)
# NGINX_CONF     nginx's configuration                          (/etc/nginx/nginx.conf)
# SIGNING_ALGORITHM  one that fits the CA's key                 (SHA256WITHECDSA)
#
# The key never leaves TLS_FOLDER, which is memory. SIGHUP renews at once, SIGTERM ends. Needs
# openssl, the AWS CLI and a role that may acm-pca:IssueCertificate and acm-pca:GetCertificate.
set -eu
: "${AUTHORITY_ARN:?is not set}" "${SERVER_NAME:?is not set}"
TEMPLATE_ARN=${TEMPLATE_ARN:-arn:aws:acm-pca:::template/EndEntityServerAuthCertificate/V1}
SIGNING_ALGORITHM=${SIGNING_ALGORITHM:-SHA256WITHECDSA}
DAYS=${DAYS:-7}
TLS_FOLDER=${TLS_FOLDER:-/run/tls}
NGINX_CONF=${NGINX_CONF:-/etc/nginx/nginx.conf}
export AWS_PAGER=
umask 077
mkdir -p "$TLS_FOLDER"

renew() {
    new=$TLS_FOLDER/new
    rm -rf "$new"
    mkdir "$new"
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$new/key.pem" \
        -subj "/CN=$SERVER_NAME" -addext "subjectAltName=DNS:$SERVER_NAME" -out "$new/csr.pem" \
        2>"$new/log" || { cat "$new/log" >&2; return 1; }
    arn=$(aws acm-pca issue-certificate --certificate-authority-arn "$AUTHORITY_ARN" \
        --csr "fileb://$new/csr.pem" --signing-algorithm "$SIGNING_ALGORITHM" \
        --template-arn "$TEMPLATE_ARN" --validity "Value=$DAYS,Type=DAYS" \
        --idempotency-token "$(openssl rand -hex 16)" --query CertificateArn --output text)
    aws acm-pca wait certificate-issued \
        --certificate-authority-arn "$AUTHORITY_ARN" --certificate-arn "$arn"
    # The chain ends in the root, which clients have already and need not be sent.
    aws acm-pca get-certificate --certificate-authority-arn "$AUTHORITY_ARN" \
        --certificate-arn "$arn" --query '[Certificate,CertificateChain]' --output text |
        tr '\t' '\n' >"$new/chain.pem"
    openssl x509 -in "$new/chain.pem" -noout -checkhost "$SERVER_NAME" | grep -q 'does match' || {
        echo "the certificate is not for $SERVER_NAME" >&2
        return 1
    }
    mv "$new/key.pem" "$TLS_FOLDER/key.pem"
    mv "$new/chain.pem" "$TLS_FOLDER/chain.pem"
    rm -rf "$new"
    echo "$arn"
}

renew
nginx -c "$NGINX_CONF" -g 'daemon off;' &
server=$!
trap 'kill -QUIT $server 2>/dev/null; kill $sleeper 2>/dev/null; wait $server; exit 0' TERM INT
trap 'kill $sleeper 2>/dev/null' HUP
sleeper=
while kill -0 "$server" 2>/dev/null; do
    # At two thirds of its life, or when told.
    sleep $((DAYS * 86400 * 2 / 3)) &
    sleeper=$!
    wait "$sleeper" || true
    kill -0 "$server" 2>/dev/null || break
    # A certificate that cannot be renewed is used to its end; the next try comes soon.
    if renew; then
        kill -HUP "$server" # new workers take new connections, old ones end theirs
    else
        echo "renewal failed; the old certificate stays" >&2
        sleep 60
    fi
done
