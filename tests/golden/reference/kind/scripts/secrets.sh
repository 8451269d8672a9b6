#!/usr/bin/env bash
# Rendered from reference/tarmac.yaml; tests/golden/test_reference.py says how.
# Usage: scripts/secrets.sh [FOLDER]
# Makes up each secret part once and keeps it in the Secret tarmac-generated; run again, it
# adds only what is new. A file of FOLDER that is named like a part is taken in its place.
# To change one: delete its key there, run this, and restart its users.
# What stands in single quotes is the text of others' files, `$` included.
# shellcheck disable=SC2016
set -euo pipefail
umask 077

namespace=reference
given=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/kept"
missing=0

k() {
    kubectl --namespace "$namespace" "$@"
}

# fetch: writes what the cluster keeps into files. If it cannot be asked, this ends here: it must
# never be taken for one that keeps nothing.
fetch() {
    local key value
    k get secret tarmac-generated --ignore-not-found \
        --output 'go-template={{range $key, $value := .data}}{{$key}} {{$value}}{{"\n"}}{{end}}' \
        >"$work/list"
    while read -r key value; do
        base64 -d <<<"$value" >"$work/kept/$key"
    done <"$work/list"
}

# part KEY BYTES: a part that is generated where there is none yet.
part() {
    if [[ -e $work/kept/$1 ]]; then
        return
    elif [[ -n $given && -f $given/$1 ]]; then
        printf '%s' "$(<"$given/$1")" >"$work/kept/$1" # without the newline at its end
    else
        head -c "$2" /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$work/kept/$1"
    fi
    echo "new: $1"
}

# from_elsewhere KEY: a part that a server elsewhere has, so it cannot be generated.
from_elsewhere() {
    if [[ -e $work/kept/$1 || (-n $given && -f $given/$1) ]]; then
        part "$1" 0
        return
    fi
    echo "missing: $1; write it to a file FOLDER/$1 and run: $0 FOLDER" >&2
    missing=1
}

# secret NAME OWNER FOLDER: makes the Secret be what the files of a folder hold.
secret() {
    local file
    {
        printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n' "$1"
        printf '  labels:\n    app.kubernetes.io/name: %s\n' "$2"
        printf '    app.kubernetes.io/part-of: reference\n'
        printf '    app.kubernetes.io/managed-by: tarmac\n'
        printf 'type: Opaque\ndata:\n'
        for file in "$3"/*; do
            printf '  %s: ' "${file##*/}"
            base64 <"$file" | tr -d '\n'
            printf '\n'
        done
    } | k apply --server-side --field-manager=tarmac --filename -
}

# text and kept write to the file that is being made.
text() {
    printf '%s' "$1"
}
kept() {
    cat "$work/kept/$1"
}

fetch
part services.orders.SIGNING_SECRET 32
part stores.broker.admin 24
part stores.broker.orders 24
part stores.broker.web 24
part stores.cache.admin 24
part stores.cache.orders 24
part stores.mail.web 24
part stores.orders-db.admin 24
part stores.orders-db.orders 24
part stores.pages.admin 24
part stores.pages.web 24
((missing == 0)) || exit 1
secret tarmac-generated reference "$work/kept"

mkdir "$work/orders-db-secrets"
{
    kept stores.orders-db.admin
} >"$work/orders-db-secrets/pgpassword"
{
    kept stores.orders-db.admin
} >"$work/orders-db-secrets/postgres-password"
{
    text 'REVOKE ALL ON DATABASE "orders" FROM PUBLIC;
REVOKE CONNECT, TEMPORARY ON DATABASE postgres FROM PUBLIC;
REVOKE CONNECT, TEMPORARY ON DATABASE template1 FROM PUBLIC;
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '"'"'orders'"'"') THEN CREATE ROLE "orders"; END IF; END $$;
ALTER ROLE "orders" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD '"'"''
    kept stores.orders-db.orders
    text ''"'"';
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE "orders" TO "orders";
GRANT ALL ON SCHEMA public TO "orders";
'
} >"$work/orders-db-secrets/setup.setup.sql"
secret orders-db-secrets orders-db "$work/orders-db-secrets"

mkdir "$work/cache-secrets"
{
    text 'user default off
user tarmac on >'
    kept stores.cache.admin
    text ' ~* &* +@all
user orders on >'
    kept stores.cache.orders
    text ' ~orders:* &orders:* +@all -@admin -@dangerous +info
'
} >"$work/cache-secrets/users.acl"
secret cache-secrets cache "$work/cache-secrets"

mkdir "$work/pages-secrets"
{
    kept stores.pages.admin
} >"$work/pages-secrets/mongo-initdb-root-password"
{
    text 'const server = connect("mongodb://tarmac:'
    kept stores.pages.admin
    text '@pages:27017/admin");
function user(name, password, role, db) {
  const database = server.getSiblingDB(db);
  const roles = [{ role, db }];
  const wanted = { pwd: password, roles, mechanisms: ["SCRAM-SHA-256"] };
  if (database.getUser(name)) database.updateUser(name, wanted);
  else database.createUser({ user: name, ...wanted });
}
user("web", "'
    kept stores.pages.web
    text '", "readWrite", "pages");
'
} >"$work/pages-secrets/setup.setup.js"
secret pages-secrets pages "$work/pages-secrets"

mkdir "$work/mail-secrets"
{
    text web:
    kept stores.mail.web
    text '
'
} >"$work/mail-secrets/users"
secret mail-secrets mail "$work/mail-secrets"

mkdir "$work/broker-secrets"
{
    text 'process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
inter.broker.listener.name=MAIN
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.mechanism.controller.protocol=PLAIN
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:tarmac
auto.create.topics.enable=false
num.partitions=3
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.coordinator.threads=1
share.coordinator.threads=1
num.network.threads=1
num.io.threads=2
background.threads=2
num.recovery.threads.per.data.dir=1
log.cleaner.dedupe.buffer.size=2097152
log.cleaner.io.buffer.size=65536
log.retention.hours=168
offsets.retention.minutes=43200
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
log.flush.interval.messages=1
log.dirs=/tarmac/data/log
controller.quorum.voters=1@127.0.0.1:9093
listeners=MAIN://0.0.0.0:9092,CONTROLLER://0.0.0.0:9093,FOR_ORDERS://0.0.0.0:9095,FOR_WEB://0.0.0.0:9094
advertised.listeners=MAIN://broker:9092,FOR_ORDERS://broker:9095,FOR_WEB://broker:9094
listener.security.protocol.map=MAIN:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT,FOR_ORDERS:SASL_PLAINTEXT,FOR_WEB:SASL_PLAINTEXT
listener.name.main.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="tarmac" password="'
    kept stores.broker.admin
    text '" user_tarmac="'
    kept stores.broker.admin
    text '" user_orders="'
    kept stores.broker.orders
    text '" user_web="'
    kept stores.broker.web
    text '";
listener.name.controller.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="tarmac" password="'
    kept stores.broker.admin
    text '" user_tarmac="'
    kept stores.broker.admin
    text '";
listener.name.for_orders.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_orders="'
    kept stores.broker.orders
    text '";
listener.name.for_web.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_web="'
    kept stores.broker.web
    text '";
'
} >"$work/broker-secrets/server.properties"
{
    text 'security.protocol=SASL_PLAINTEXT
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="tarmac" password="'
    kept stores.broker.admin
    text '";
'
} >"$work/broker-secrets/setup.client.properties"
secret broker-secrets broker "$work/broker-secrets"

mkdir "$work/web-secrets"
{
    text kafka://web:
    kept stores.broker.web
    text @broker:9094
} >"$work/web-secrets/broker-url"
{
    text kafka://web:
    kept stores.broker.web
    text @broker:9094
} >"$work/web-secrets/events"
{
    text smtp://web:
    kept stores.mail.web
    text @mail:1025
} >"$work/web-secrets/letters"
{
    text mongodb://web:
    kept stores.pages.web
    text '@pages:27017/pages?directConnection=true'
} >"$work/web-secrets/pages"
secret web-secrets web "$work/web-secrets"

mkdir "$work/orders-secrets"
{
    text kafka://orders:
    kept stores.broker.orders
    text @broker:9095
} >"$work/orders-secrets/broker-url"
{
    text postgresql://orders:
    kept stores.orders-db.orders
    text @orders-db:5432/orders
} >"$work/orders-secrets/database-url"
{
    text redis://orders:
    kept stores.cache.orders
    text @cache:6379/0
} >"$work/orders-secrets/redis-url"
{
    kept services.orders.SIGNING_SECRET
} >"$work/orders-secrets/signing-secret"
secret orders-secrets orders "$work/orders-secrets"
