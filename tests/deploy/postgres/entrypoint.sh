# A new cluster with the user and the database of the environment, then what the arguments say.
set -eu
for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done
if ! [ -s "$PGDATA/PG_VERSION" ]; then
    initdb -D "$PGDATA" -U "$POSTGRES_USER" -A "$POSTGRES_HOST_AUTH_METHOD" -N -E UTF8 --no-locale >/dev/null
    echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -D "$PGDATA" postgres >/dev/null
fi
exec "$@"
