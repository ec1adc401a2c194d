# SPDX-License-Identifier: Apache-2.0
#
# Real container engines for tests: each with data, sockets and logs of its own below $ENGINES, images made on the
# spot, no network. NAME_up skips, with the reason, where its engine cannot run, and is called from setup, setup_file
# or a test (not under `run`: a daemon ends with the shell that started it, so that a killed test leaves none).
# engines_down in teardown or teardown_file ends whatever is up and removes its processes, mounts and cgroups; what stays
# is the same for all on this machine: the empty /run/containerd/s, podman's /var/lib/containers/cache.
#
# Where the engines put a container ID (Debian 12: docker 20.10, containerd 1.6, podman 4.3, runc 1.1):
#
#   hybrid (v1 controllers, and cgroup2 at /sys/fs/cgroup/unified): in every mounted v1 hierarchy, named ones included,
#   and in cgroup2 too, by the same path (runc 1.1 does that)
#       docker           /docker/ID                                     --cgroup-parent P: P/ID
#       ctr              /NAMESPACE/ID                                  --cgroup P: P
#                                                                       --cgroup= : OWN/ID, below containerd's own
#       CRI, cgroupfs    CGROUP-PARENT/ID, both the pod's pause and its containers; kubelet's parents are
#                        /kubepods/besteffort/podUID, /kubepods/burstable/podUID, /kubepods/podUID (guaranteed)
#       podman           /libpod_parent/libpod-ID; conmon in /libpod_parent/conmon of v1 (not in named ones, nor in cgroup2)
#   pure cgroup2 (world_up v2): the same paths in cgroup2; v1 hierarchies say "/". The container sees "/", because it
#   has a cgroup namespace of its own there, unless it is run with --cgroupns=host.
#
# What does not run here: crun where cgroup2 has a controller beside v1 (hugetlb: "cgroups in hybrid mode not supported,
# drop all controllers from cgroupv2") and, without CAP_SYS_RESOURCE, on cgroup2 ("setrlimit (RLIM_MEMLOCK)"); CRI on a
# cgroup2 without the cpu controller; the systemd driver without systemd ("systemd not running on this host, cannot use
# systemd cgroups manager"). The driver's paths are had with runc alone: runc_at.

# shellcheck disable=SC2034 # for the tests that load this
: "${STELLA_ROOT:=$(cd "${BATS_TEST_DIRNAME:-.}/../.." && pwd)}"
CONTAINERS_DIR=$STELLA_ROOT/tests/containers
export LC_ALL=C.UTF-8
export HOME=${HOME:-/} SHELL=${SHELL:-/bin/sh}
PATH=$PATH:/usr/sbin:/sbin

# Seconds until an engine that does not answer counts as one that cannot run here.
ENGINE_PATIENCE=${ENGINE_PATIENCE:-20}

# ---- what all share ----

# The folder of all engines of this test, or of this file when called in setup_file. Everything here calls it.
engines_dir() {
	export ENGINES=${ENGINES:-${BATS_TEST_TMPDIR:-${BATS_FILE_TMPDIR:?}}/engines}
	mkdir -p "$ENGINES"
}

# need_engine PROGRAM...: skips where an engine cannot be tried at all.
need_engine() {
	local program

	[ "$(id -u)" = 0 ] || cannot "needs root to run containers" || return
	for program; do
		command -v "$program" >/dev/null || cannot "$program is not installed (tools/deps containers)" || return
	done
}

# cannot WHY: skips. In setup_file, where bats 1.8 cannot, it fails and leaves the reason to engines_or_skip.
cannot() {
	if [ -z "${BATS_TEST_NAME:-}" ]; then
		engines_dir
		[ -s "$ENGINES/cannot" ] || echo "$1" >"$ENGINES/cannot"
		return 1
	fi
	skip "$1"
}

# For setup, where setup_file started the engines with `docker_up && docker_image one || true`.
engines_or_skip() {
	[ ! -s "$ENGINES/cannot" ] || skip "$(cat "$ENGINES/cannot")"
}

# failed_to_start ENGINE: cannot, with the last thing its log says went wrong.
failed_to_start() {
	local why

	why=$(grep -E 'level=(fatal|error)|: ' "$ENGINES/$1/log" 2>/dev/null | tail -n 1 | cut -c 1-300)
	"$1_down" || true
	cannot "$1 does not run here: ${why:-it does not answer}"
}

# Images can be made here; asked early, since who calls image_tar in $(...) cannot be made to skip by it.
need_images() {
	engines_dir
	[ -d "$ENGINES/images/pause" ] || make_image_tree "$ENGINES/images/pause"
}

# alive PID: neither gone nor a zombie nobody has asked for.
alive() {
	[ -n "$1" ] && [ -r "/proc/$1/stat" ] && [[ $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) == [!ZX]* ]]
}

# wait_for PID COMMAND...: asks until it succeeds; fails when the process is gone or patience ends.
wait_for() {
	local pid=$1 until=$((SECONDS + ENGINE_PATIENCE))

	shift
	until "$@" >/dev/null 2>&1 3>&-; do
		[ -z "$pid" ] || alive "$pid" || return 1
		((SECONDS < until)) || return 1
		sleep 0.02
	done
}

is_gone() {
	! alive "$1"
}

# resumed ENGINE: its daemon lives, and goes on if a test had stopped it.
resumed() {
	alive "$(daemon_pid "$1")" && kill -CONT "$(daemon_pid "$1")"
}

# daemon ENGINE COMMAND...: in the background, in the world that is up; ends when this shell ends. Its pid: DAEMON.
daemon() {
	local dir=$ENGINES/$1
	local -a at=()

	shift
	at_world
	"${at[@]}" setpriv --pdeathsig TERM "$@" >>"$dir/log" 2>&1 </dev/null 3>&- &
	DAEMON=$!
	disown "$DAEMON"
	echo "$DAEMON" >"$dir/daemon.pid"
}

# Processes that belong to a folder: that name it in their arguments, or whose root file system lies in it.
# This shell and its parents are not among them, though bats may have the folder's name in its arguments.
processes_of() {
	local pid parent=$BASHPID ancestors=' ' inside=${1#/*/}/

	while ((parent > 1)); do
		ancestors+="$parent "
		parent=$(sed 's/.*) //' "/proc/$parent/stat" | cut -d' ' -f2)
	done
	# The root's line: "ID PARENT DEV WHAT / OPTIONS... - TYPE SOURCE OPTIONS"; WHAT is below the file system's own root.
	for pid in $({
		grep -lsF -- "$1/" /proc/[0-9]*/cmdline
		grep -lsE "^[0-9]+ [0-9]+ [0-9:]+ ([^ ]*/${inside}[^ ]* / |/ / .*=[^ ]*/$inside)" /proc/[0-9]*/mountinfo
	} | cut -d/ -f3 | sort -u); do
		[[ $ancestors == *" $pid "* ]] || ! alive "$pid" || echo "$pid"
	done
}

# ids_of PID...: the container ids in their cgroup paths.
ids_of() {
	local pid

	for pid; do
		grep -oE '[0-9a-f]{64}' "/proc/$pid/cgroup" 2>/dev/null
	done | sort -u
}

# cgroup_dirs ID: every cgroup whose name holds the id, the deepest first, in every hierarchy mounted here.
cgroup_dirs() {
	find /sys/fs/cgroup -depth -type d -name "*$1*" 2>/dev/null
}

# cgroup_remove DIR: it and what is in it.
cgroup_remove() {
	find "$1" -depth -type d -exec rmdir {} \; 2>/dev/null
	[ ! -d "$1" ]
}

# parents_remove PATH...: these cgroups and those above them, in every hierarchy, where they are empty.
parents_remove() {
	local path top

	for path; do
		while [[ $path == /?* ]]; do
			for top in /sys/fs/cgroup /sys/fs/cgroup/*/; do
				[ ! -d "${top%/}$path" ] || rmdir "${top%/}$path" 2>/dev/null || true
			done
			path=${path%/*}
		done
	done
}

# thaw ID...: what a test paused; the frozen of v1 cannot even be killed.
thaw() {
	local id dir

	for id; do
		while IFS= read -r dir; do
			[ ! -w "$dir/freezer.state" ] || echo THAWED >"$dir/freezer.state" || true
			[ ! -w "$dir/cgroup.freeze" ] || echo 0 >"$dir/cgroup.freeze" || true
		done < <(cgroup_dirs "$id")
	done
}

no_cgroups() {
	local id dir

	for id; do
		while IFS= read -r dir; do
			cgroup_remove "$dir"
		done < <(cgroup_dirs "$id")
		[ -z "$(cgroup_dirs "$id")" ] || return 1
	done
}

no_processes() {
	local -a left

	mapfile -t left < <(processes_of "$1")
	((${#left[@]} == 0)) || { kill -KILL "${left[@]}" 2>/dev/null; return 1; }
}

mounts_of() {
	awk -v dir="$1/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo ${WORLD:+"/proc/$WORLD/mountinfo"} 2>/dev/null | sort -ru
}

daemon_end() {
	if alive "$1"; then
		kill "$1" 2>/dev/null
		kill -CONT "$1" 2>/dev/null
		wait_for '' is_gone "$1" || kill -KILL "$1"
	fi
}

# daemon_pid ENGINE
daemon_pid() {
	cat "$ENGINES/$1/daemon.pid" 2>/dev/null || true
}

# engine_stop ENGINE: only its daemon ends, by itself; everything else stays, and NAME_up starts it again.
engine_stop() {
	daemon_end "$(daemon_pid "$1")"
}

# engine_end ENGINE [ID...]: the daemon ends, and nothing of it stays but its logs.
engine_end() {
	local dir=$ENGINES/$1 pid left mount
	local -a ids=()

	shift
	[ -d "$dir" ] || return 0
	pid=$(daemon_pid "$(basename "$dir")")
	mapfile -t left < <(processes_of "$dir")
	mapfile -t ids < <({ ids_of "${left[@]}"; printf '%s\n' "$@"; cat "$dir/ids" 2>/dev/null; } | grep . | sort -u)
	thaw "${ids[@]}"
	daemon_end "$pid"
	wait_for '' no_processes "$dir" || echo "processes stay: $(processes_of "$dir")" >&2
	while IFS= read -r mount; do
		in_world umount --lazy "$mount" 2>/dev/null || true
	done < <(mounts_of "$dir")
	wait_for '' no_cgroups "${ids[@]}" || echo "cgroups stay for one of ${ids[*]}" >&2
	printf '%s\n' "${ids[@]}" >>"$ENGINES/ids"
	mkdir -p "$ENGINES/logs"
	[ ! -e "$dir/log" ] || cat "$dir/log" >>"$ENGINES/logs/$(basename "$dir")"
	rm -rf --one-file-system "$dir"
}

# Ends every engine that is up, and the world. For teardown: does as much as it can, and does not fail.
engines_down() {
	local engine

	[ -n "${ENGINES:-}" ] || return 0
	for engine in runc podman containerd docker; do
		[ ! -d "$ENGINES/$engine" ] || "${engine}_down" || true
	done
	world_down || true
	# Shown when the test failed.
	tail -n 5 "$ENGINES"/logs/* 2>/dev/null | cut -c 1-300 || true
}

# What is left of the engines that went down, a line each; silent and 0 when nothing is.
engines_left() {
	local id found

	found=$({
		processes_of "$ENGINES" | sed 's/^/process /'
		mounts_of "$ENGINES" | sed 's/^/mount /'
		while IFS= read -r id; do
			[ -z "$id" ] || cgroup_dirs "$id" | sed 's/^/cgroup /'
		done < <(sort -u "$ENGINES/ids" 2>/dev/null)
	})
	[ -z "$found" ] || { printf '%s\n' "$found"; return 1; }
}

# What a container should be called where its maker leaves that to us.
new_id() {
	od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

# ---- images ----

# make_image_tree DIR: a root file system of busybox, with a file /only-here unlike any other's, so that no two trees
# give one digest. Skips without a busybox that needs no library.
make_image_tree() {
	local dir=$1 applet

	need_engine busybox || return
	mkdir -p "$dir/bin" "$dir/tmp" "$dir/proc" "$dir/sys" "$dir/dev" "$dir/etc"
	cp "$(command -v busybox)" "$dir/bin/busybox"
	for applet in sh cat echo sleep true false cp ln ls stat nc dd; do
		ln -sf busybox "$dir/bin/$applet"
	done
	echo 'root:x:0:0::/:/bin/sh' >"$dir/etc/passwd"
	new_id >"$dir/only-here"
	chroot "$dir" /bin/true ||
		cannot "busybox needs libraries (busybox-static is not installed)"
}

# image_tar NAME: the archive of NAME, made once; its path. Digests beside it: NAME.manifest, NAME.config.
image_tar() {
	local images

	engines_dir
	images=$ENGINES/images
	if [ ! -s "$images/$1.tar" ]; then
		mkdir -p "$images"
		[ -d "$images/$1" ] || make_image_tree "$images/$1" >&2
		"$CONTAINERS_DIR/image-tar" "$images/$1" "$1" "$images/$1.tar" >"$images/$1.digests" || return 1
		cut -d' ' -f1 "$images/$1.digests" >"$images/$1.manifest"
		cut -d' ' -f2 "$images/$1.digests" >"$images/$1.config"
	fi
	printf '%s\n' "$images/$1.tar"
}

# ---- other cgroup worlds ----

# world_up v1|v2: engines started from now on see only the v1 hierarchies, or only cgroup2, at /sys/fs/cgroup: a mount
# namespace of its own, nothing changes for others. The controllers stay where they are: cgroup2 has few or none, so
# limits cannot be set there. What must see it too (a collector) is run with in_world.
# On cgroup2, what runs in it has the cgroup /stella-world-PID: podman moves every process of the machine's root cgroup
# into /init when it finds itself in the root.
world_up() {
	local ready

	need_engine unshare nsenter setpriv || return
	engines_dir
	ready=$ENGINES/world
	rm -f "$ready"
	unshare --mount --propagation private setpriv --pdeathsig KILL bash -c "$(declare -f world_enter world_join)"'
		set -e
		world_enter "$1"
		world_join "$$"
		grep . /sys/fs/cgroup/cgroup.subtree_control >"$2.controllers" 2>/dev/null || true
		touch "$2"
		exec sleep infinity' world "$1" "$ready" 2>"$ENGINES/world.log" </dev/null 3>&- &
	WORLD=$!
	disown "$WORLD" # or the shell tells of its end
	export WORLD WORLD_KIND=$1
	if ! wait_for "$WORLD" test -e "$ready"; then
		WORLD=
		cannot "this machine cannot show only cgroup $1: $(tail -n 1 "$ENGINES/world.log")"
	fi
}

# In a mount namespace of its own.
world_enter() {
	case $1 in
	v1)
		! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
		grep -q " - cgroup " /proc/self/mountinfo || { echo "no v1 hierarchy is mounted" >&2; return 1; }
		;;
	v2)
		if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
			umount -R /sys/fs/cgroup
			mount -t cgroup2 cgroup2 /sys/fs/cgroup
		fi
		;;
	esac
}

# world_join WORLD: this shell goes into the world's cgroup, where that matters.
world_join() {
	if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
		mkdir -p "/sys/fs/cgroup/stella-world-$1"
		echo $$ >"/sys/fs/cgroup/stella-world-$1/cgroup.procs"
	fi
}

# in_world COMMAND...: the pid stays that of the command.
in_world() {
	local -a at=()

	at_world
	"${at[@]}" "$@"
}

# Fills the caller's `at` with what a command must be prefixed with.
at_world() {
	[ -z "${WORLD:-}" ] || at=(nsenter --target "$WORLD" --mount -- bash -c
		"$(declare -f world_join); world_join $WORLD; exec \"\$@\"" world)
}

# Whether the world, or this machine where none is up, lets engines set limits of CPU time.
world_has_cpu() {
	# shellcheck disable=SC2016 # expanded in the world
	in_world bash -c '[ ! -e /sys/fs/cgroup/cgroup.controllers ] || grep -qw cpu /sys/fs/cgroup/cgroup.controllers'
}

# What joined is ended, and the controllers that an engine handed down in cgroup2 are taken back where nobody has them.
world_down() {
	local top dir controller

	[ -n "${WORLD:-}" ] || return 0
	for top in /sys/fs/cgroup /sys/fs/cgroup/unified; do
		dir=$top/stella-world-$WORLD
		[ -d "$dir" ] || continue
		echo 1 >"$dir/cgroup.kill" 2>/dev/null || kill -KILL "$WORLD"
		wait_for '' cgroup_remove "$dir" || echo "cgroup stays: $dir" >&2
		for controller in $(cat "$top/cgroup.subtree_control"); do
			grep -qw "$controller" "$ENGINES/world.controllers" && continue
			for dir in "$top"/{docker,default,libpod_parent} "$top"; do
				[ ! -d "$dir" ] || echo "-$controller" 2>/dev/null >"$dir/cgroup.subtree_control" || true
			done
		done
	done
	kill -KILL "$WORLD" 2>/dev/null || true
	wait_for '' is_gone "$WORLD"
	WORLD=
	WORLD_KIND=
}

# ---- docker ----

# docker_up [OPTION OF DOCKERD...]: `docker` asks this one from now on. DOCKER_STORAGE=overlay2 for layers as in
# production; vfs, the default, needs nothing of the kernel and copies the image for each container.
docker_up() {
	local dir

	need_engine dockerd docker containerd runc && need_images || return
	dir=$ENGINES/docker
	mkdir -p "$dir/config"
	echo '{}' >"$dir/config/config.json" # podman looks into it too
	export DOCKER_SOCKET=$dir/s DOCKER_HOST=unix://$dir/s DOCKER_CONFIG=$dir/config
	daemon docker dockerd --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/pid" -H "unix://$dir/s" \
		--iptables=false --ip-forward=false --bridge=none --storage-driver="${DOCKER_STORAGE:-vfs}" "$@"
	wait_for "$DAEMON" docker version || failed_to_start docker || return
}

# docker_image NAME: made if need be and loaded; prints the image id.
docker_image() {
	local tar

	tar=$(image_tar "$1")
	docker load --quiet --input "$tar" >/dev/null
	docker image inspect --format '{{.Id}}' "$1"
}

# docker_pulled NAME: made if need be and pulled from a registry of our own, so that it has a repository digest, which is
# the manifest's; prints the reference, 127.0.0.1:PORT/NAME.
docker_pulled() {
	local dir=$ENGINES/docker port ref

	image_tar "$1" >/dev/null || return 1
	"$CONTAINERS_DIR/registry" "$ENGINES/images" "$dir/port" >>"$dir/log" 2>&1 </dev/null 3>&- &
	port=$!
	disown "$port"
	wait_for "$port" test -e "$dir/port" || return 1
	ref=127.0.0.1:$(cat "$dir/port")/$1
	docker pull --quiet "$ref" >/dev/null
	kill "$port"
	rm "$dir/port"
	printf '%s\n' "$ref"
}

docker_run() {
	docker run --network=none "$@"
}

docker_down() {
	local -a ids=()

	mapfile -t ids < <(ls "$ENGINES/docker/data/containers" 2>/dev/null)
	if ((${#ids[@]} > 0)) && resumed docker; then
		timeout "$ENGINE_PATIENCE" docker rm --force "${ids[@]}" >/dev/null 2>&1 || true
	fi
	engine_end docker "${ids[@]}"
	unset DOCKER_HOST DOCKER_SOCKET DOCKER_CONFIG
	parents_remove /docker
}

# ---- containerd, by ctr and by CRI ----

# containerd_up: `ctr` asks this one from now on. CONTAINERD_SNAPSHOTTER=native where overlayfs cannot be.
# The pause image of CRI is our image "pause", loaded here.
containerd_up() {
	local dir

	need_engine containerd ctr runc && need_images || return
	dir=$ENGINES/containerd
	mkdir -p "$dir/logs"
	export CONTAINERD_ADDRESS=$dir/s CONTAINERD_SNAPSHOTTER=${CONTAINERD_SNAPSHOTTER:-overlayfs}
	cat >"$dir/config.toml" <<-END
		version = 2
		root = "$dir/root"
		state = "$dir/state"
		[grpc]
		  address = "$dir/s"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "docker.io/library/pause:latest"
		  restrict_oom_score_adj = true
		  [plugins."io.containerd.grpc.v1.cri".containerd]
		    snapshotter = "$CONTAINERD_SNAPSHOTTER"
		    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
		      runtime_type = "io.containerd.runc.v2"
		      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
		        Root = "$dir/runc"
	END
	daemon containerd containerd --config "$dir/config.toml"
	wait_for "$DAEMON" ctr version || failed_to_start containerd || return
	if ! ctr plugins list | grep -qE " $CONTAINERD_SNAPSHOTTER .* ok"; then
		export CONTAINERD_SNAPSHOTTER=native
	fi
}

# containerd_image NAME [NAMESPACE]: made if need be and imported (namespace default; CRI's is k8s.io); prints the
# manifest's digest. The reference is docker.io/library/NAME:latest.
containerd_image() {
	local tar

	tar=$(image_tar "$1")
	ctr --namespace "${2:-default}" images import --snapshotter "$CONTAINERD_SNAPSHOTTER" "$tar" >/dev/null
	cat "$ENGINES/images/$1.manifest"
}

# ctr_run NAME ID [COMMAND...]: in the foreground, removed after; ctr_start: goes on by itself. More options of
# `ctr run` in CTR_OPTIONS. ctr itself would take any word for an id; engines' are new_id's.
ctr_run() {
	CTR_OPTIONS="--rm ${CTR_OPTIONS:-}" ctr_start "$@"
}

ctr_start() {
	local image=docker.io/library/$1:latest id=$2 detach=--detach shares=

	shift 2
	echo "$id" >>"$ENGINES/containerd/ids"
	[[ " ${CTR_OPTIONS:-} " != *" --rm "* ]] || detach=
	world_has_cpu || shares="--cpu-shares 0" # ctr asks for 1024 otherwise
	# shellcheck disable=SC2086 # several words
	ctr run --fifo-dir "$ENGINES/containerd/fifo" --runc-root "$ENGINES/containerd/runc" $detach $shares ${CTR_OPTIONS:-} \
		"$image" "$id" "$@"
}

# cri VERB...: see the program's first lines.
cri() {
	"$CONTAINERS_DIR/cri" "$CONTAINERD_ADDRESS" "$@"
}

# cri_up: containerd with CRI ready for pods. Skips without a client.
cri_up() {
	containerd_up || return
	/usr/bin/python3 -c 'import grpc' 2>/dev/null ||
		cannot "python3-grpcio is not installed (tools/deps containers); Debian has no crictl" || return
	world_has_cpu || cannot "containerd's CRI gives each pod CPU shares, and cgroup2 has no cpu controller here" || return
	ctr plugins list | grep -qE '^io.containerd.grpc.v1 +cri .* ok' || cannot "containerd has no working CRI plugin" || return
	cri_image pause >/dev/null
}

# cri_image NAME: imported, and known to CRI, which hears of it by an event; prints the image id, the config's digest.
cri_image() {
	containerd_image "$1" k8s.io >/dev/null
	wait_for '' cri has "docker.io/library/$1:latest" || return 1
	cri has "docker.io/library/$1:latest"
}

# cri_run POD NAMESPACE UID IMAGE CGROUP-PARENT [KEY=VALUE...] -- COMMAND...: prints "POD-ID CONTAINER-ID".
# What the container prints: cri_logs.
cri_run() {
	local parent=$5 ids

	ids=$(cri run "$1" "$2" "$3" "docker.io/library/$4:latest" "$parent" "$ENGINES/containerd/logs" "${@:6}") || return 1
	tr ' ' '\n' <<<"$ids" >>"$ENGINES/containerd/ids"
	echo "$parent" >>"$ENGINES/containerd/parents"
	printf '%s\n' "$ids"
}

# The lines of all containers of all pods, without CRI's time and stream.
cri_logs() {
	cat "$ENGINES/containerd/logs/"*.log | cut -d' ' -f4-
}

containerd_down() {
	local dir=$ENGINES/containerd namespace id
	local -a ids=() parents=()

	if resumed containerd; then
		[ ! -s "$dir/parents" ] || timeout "$ENGINE_PATIENCE" "$CONTAINERS_DIR/cri" "$dir/s" end || true
		while IFS= read -r namespace; do
			while IFS= read -r id; do
				ids+=("$id")
				ctr -n "$namespace" tasks rm --force "$id" >/dev/null 2>&1 || true
				ctr -n "$namespace" containers rm "$id" >/dev/null 2>&1 || true
			done < <(ctr -n "$namespace" containers list --quiet)
		done < <(ctr namespaces list --quiet)
	fi
	mapfile -t parents < <(sort -u "$dir/parents" 2>/dev/null)
	engine_end containerd "${ids[@]}"
	unset CONTAINERD_ADDRESS
	# The pods' are kubelet's to remove; here they are ours.
	parents_remove /default /k8s.io "${parents[@]}"
}

# ---- podman ----

# podman_up: `pod` runs podman with this configuration, and its API answers at PODMAN_SOCKET. Rootful; without network;
# limits that need no CAP_SYS_RESOURCE (podman's own default, 1048576 files, is refused without it).
podman_up() {
	local dir

	need_engine podman conmon runc && need_images || return
	dir=$ENGINES/podman
	mkdir -p "$dir"
	export CONTAINERS_CONF=$dir/containers.conf CONTAINERS_STORAGE_CONF=$dir/storage.conf PODMAN_SOCKET=$dir/s
	cat >"$dir/containers.conf" <<-END
		[containers]
		default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
		netns = "none"
		pids_limit = 0
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		events_logfile_path = "$dir/events"
		lock_type = "file"
		runtime = "runc"
		# No static_dir: conmon's clean-up would not know it, and a short container would take 20 s.
		tmp_dir = "$dir/tmp"
		volume_path = "$dir/volumes"
	END
	cat >"$dir/storage.conf" <<-END
		[storage]
		driver = "${PODMAN_STORAGE:-vfs}"
		graphroot = "$dir/root"
		runroot = "$dir/run"
	END
	cat >"$dir/policy.json" <<-END
		{ "default": [ { "type": "insecureAcceptAnything" } ] }
	END
	daemon podman podman system service --time=0 "unix://$dir/s"
	wait_for "$DAEMON" test -S "$dir/s" || failed_to_start podman || return
	pod info >>"$dir/log" 2>&1 || failed_to_start podman || return
}

# pod ARGUMENTS...: podman, in the world that is up; it has no daemon that would be there already.
pod() {
	in_world podman "$@"
}

# podman_image NAME: made if need be and loaded; prints the image id.
podman_image() {
	local tar

	tar=$(image_tar "$1")
	pod load --quiet --signature-policy "$ENGINES/podman/policy.json" --input "$tar" >/dev/null 2>&1
	pod image inspect --format 'sha256:{{.Id}}' "$1"
}

podman_run() {
	pod run --network=none "$@"
}

podman_down() {
	local -a ids=()

	if [ -d "$ENGINES/podman/root" ]; then
		mapfile -t ids < <(timeout "$ENGINE_PATIENCE" podman ps --all --quiet --no-trunc 2>/dev/null)
		in_world timeout "$ENGINE_PATIENCE" podman rm --all --force --time 0 >/dev/null 2>&1 || true
	fi
	engine_end podman "${ids[@]}"
	unset CONTAINERS_CONF CONTAINERS_STORAGE_CONF PODMAN_SOCKET
	parents_remove /libpod_parent/conmon
}

# ---- runc alone ----

# runc_at CGROUP-PATH ID NAME [COMMAND...]: a container of image NAME's tree in the foreground, in a cgroup by any name:
# what other engines and drivers would call it, without them.
runc_at() {
	local path=$1 id=$2 tree dir

	need_engine runc jq && need_images || return
	[[ $path == /* ]] || { echo "runc_at: $path: would lie below this shell's own cgroup" >&2; return 1; }
	tree=$(image_tar "$3") || return 1
	tree=${tree%.tar}
	shift 3
	dir=$ENGINES/runc
	mkdir -p "$dir/$id"
	(cd "$dir/$id" && runc spec) || return 1
	jq --arg path "$path" --arg tree "$tree" '.process.terminal = false | .process.args = $ARGS.positional
		| .process.rlimits = [] | .root = {path: $tree, readonly: true} | .linux.cgroupsPath = $path
		| .linux.resources = {}' "$dir/$id/config.json" --args -- "$@" >"$dir/$id/new" || return 1
	mv "$dir/$id/new" "$dir/$id/config.json"
	echo "$path" >>"$dir/paths"
	in_world runc --root "$dir/root" run --bundle "$dir/$id" "$id"
}

runc_down() {
	local id
	local -a paths=()

	while IFS= read -r id; do
		in_world runc --root "$ENGINES/runc/root" delete --force "$id" >/dev/null 2>&1 || true
	done < <(ls "$ENGINES/runc/root" 2>/dev/null)
	mapfile -t paths < <(sort -u "$ENGINES/runc/paths" 2>/dev/null)
	engine_end runc
	parents_remove "${paths[@]}"
}
