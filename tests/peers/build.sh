#!/bin/sh
# Makes the servers and clients of other makes that the tests in this folder talk to, which are no packages: programs with Go, Java's
# libraries with Maven, gRPC's C++ with the compiler. Takes some minutes and 160 MB once; what cannot be had is left out, and its tests say so.
# `make test-peers` runs this and them. usage: build.sh [FOLDER]
# SPDX-License-Identifier: Apache-2.0
set -eu
to=${1:-${PACKETD_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/packetd-peers}}
mkdir -p "$to"
to=$(cd "$to" && pwd)
cd "$(dirname "$0")"

missing() {
	echo "$*: its tests are left out" >&2
}

# newer RESULT SOURCE...: whether it has to be made
newer() {
	result=$1
	shift
	[ ! -e "$result" ] || [ -n "$(find "$@" -newer "$result" -print -quit)" ]
}

go_program() { # NAME
	newer "$to/$1" "go/$1" go/go.mod || return 0
	(cd go && go build -o "$to/" "./$1") || missing "$1 cannot be built with this Go"
}

jars() { # POM PROPERTY VERSION FOLDER
	[ -d "$to/$4" ] && return 0
	rm -rf "$to/new-$4"
	if mvn -q -B -f "java/$1" "-D$2.version=$3" dependency:copy-dependencies "-DoutputDirectory=$to/new-$4"; then
		mv "$to/new-$4" "$to/$4"
	else
		missing "Maven does not bring $4"
	fi
}

classes() { # FOLDER SOURCE JARS
	[ "$3" = none ] || [ -d "$to/$3" ] || return 0
	newer "$to/$1" "java/$2" || return 0
	rm -rf "${to:?}/$1"
	mkdir "$to/$1"
	javac -nowarn -Xlint:none -d "$to/$1" -cp "$to/$3/*" "java/$2" 2> "$to/javac.log" || { cat "$to/javac.log" >&2; rm -rf "${to:?}/$1"; missing "$2 cannot be compiled with $3"; }
}

if command -v go > /dev/null; then
	for program in grpcpeer http2peer kafkapeer amqppeer; do go_program $program; done
else
	missing "go is not installed"
fi

if command -v javac > /dev/null && command -v mvn > /dev/null; then
	jars grpc/pom.xml grpc 1.85.0 grpc-1.85.0
	jars amqp/pom.xml amqp 5.28.0 amqp-5.28.0
	jars kafka/client.xml kafka 2.3.1 kafkaclient-2.3.1
	for version in 3.9.1 4.1.1; do
		jars kafka/pom.xml kafka $version kafka-$version
		classes java-broker-kafka-$version kafka/KafkaBroker.java kafka-$version
	done
	for version in kafkaclient-2.3.1 kafka-3.9.1 kafka-4.1.1; do classes java-talk-$version kafka/KafkaTalk.java $version; done
	classes java-grpc grpc/GrpcPeer.java grpc-1.85.0
	classes java-amqp amqp/AmqpPeer.java amqp-5.28.0
	classes java-http2 http2/Http2Peer.java none
else
	missing "javac or mvn is not installed"
fi

if pkg-config --exists grpc++ 2> /dev/null; then
	newer "$to/grpcpeer-cpp" cpp && { "${CXX:-g++}" -std=c++17 -O1 -Wno-deprecated-declarations -o "$to/grpcpeer-cpp" cpp/grpcpeer.cc $(pkg-config --cflags --libs grpc++) ||
		missing "grpcpeer.cc cannot be compiled"; }
else
	missing "libgrpc++-dev is not installed"
fi
echo "in $to:"
ls "$to"
