#!/usr/bin/env bash
# Installs with apt what `make run` or `make test` need and this machine lacks.
# Usage: scripts/setup.sh run|test
# Does nothing where all is there, and never touches a PostgreSQL that is.
set -euo pipefail

want=${1:?usage: scripts/setup.sh run|test}
missing=()

need_package_if() { # need_package_if PACKAGE CHECK...: ask for PACKAGE where CHECK fails
	local package=$1
	shift
	"$@" >/dev/null 2>&1 || missing+=("$package")
}
has_postgis() { compgen -G '/usr/share/postgresql/*/extension/postgis.control'; }
has_initdb() { compgen -G '/usr/lib/postgresql/*/bin/initdb'; }

# PROJ and GEOS are what the importer reads foreign coordinates and mends polygons with.
need_package_if gcc command -v gcc
need_package_if libc6-dev test -e /usr/include/stdlib.h
need_package_if pkg-config command -v pkg-config
need_package_if libproj-dev pkg-config --exists proj
need_package_if libgeos-dev pkg-config --exists geos
need_package_if proj-data test -e /usr/share/proj/proj.db

if [ "$want" = test ]; then
	need_package_if postgresql has_initdb
	need_package_if postgresql-postgis has_postgis
	need_package_if chromium test -x /usr/bin/chromium
	need_package_if gdal-bin command -v ogr2ogr
	need_package_if sqlite3 command -v sqlite3
	need_package_if mosquitto-clients command -v mosquitto_pub
	need_package_if fonts-noto-core test -e /usr/share/fonts/truetype/noto/NotoSansDevanagari-Regular.ttf
fi

[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
	echo "This machine lacks: ${missing[*]} (names of Debian packages), and has no apt-get. Install them, then run make again." >&2
	exit 1
fi

sudo=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || {
		echo "Please install as root: apt-get install ${missing[*]}" >&2
		exit 1
	}
	echo "sudo is used for this only: apt-get install ${missing[*]}"
	sudo=(sudo)
fi
echo "Installing: ${missing[*]}"
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
