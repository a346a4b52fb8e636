#!/usr/bin/env bash
# Writes docs/cli, a page for each command of the program and an index, from what its help says.
#
#   scripts/cli-reference.sh [--check] [PROGRAM]
#
# PROGRAM is .build/release/disttrain unless it is named. With --check nothing is written, and the
# status is 1 if the pages in docs/cli are not those of the program.
set -euo pipefail

check=false
if [ "${1:-}" = --check ]; then
  check=true
  shift
fi
if [ $# -gt 1 ] || [[ ${1:-} == -* ]]; then
  sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
  exit 64
fi
program=${1:+$(realpath "$1")}
cd "$(dirname "$0")/.."
program=${program:-.build/release/disttrain}
if [ ! -x "$program" ]; then
  echo "$program is missing; build it first: swift build -c release --product disttrain" >&2
  exit 1
fi

# The parser breaks lines at the width of the terminal, or at this one.
export COLUMNS=10000 LC_ALL=C
pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT

# subcommands COMMAND…: the names of the commands below, one a line.
subcommands() {
  "$program" help "$@" | awk '
    /^SUBCOMMANDS:/ { inside = 1; next }
    inside && /^  [a-z]/ { print $1 }
    inside && !/^  / { inside = 0 }'
}

# page COMMAND…: the help of a command as Markdown.
page() {
  local file
  file=$(IFS=-; echo "$*")
  "$program" help "$@" | awk -v command="$*" -v file="$file" '
    # Characters that HTML or a table would take for its own are escaped.
    function cell(text) { gsub(/\|/, "\\|", text); return plain(text) }
    function plain(text) { gsub(/</, "\\&lt;", text); gsub(/\*/, "\\*", text); return text }
    function title(text) { return toupper(substr(text, 1, 1)) tolower(substr(text, 2)) }

    # The options, values and default that the parser has put behind a text are taken off it.
    function row(name, text,    tail, standard) {
      standard = ""
      if (match(text, / *\((values: [^()]*|default: [^()]*)\)$/)) {
        tail = substr(text, RSTART, RLENGTH)
        sub(/^ *\(/, "", tail)
        sub(/\)$/, "", tail)
        text = substr(text, 1, RSTART - 1)
        if (match(tail, /(^|; )default: .*$/)) {
          standard = substr(tail, RSTART, RLENGTH)
          tail = substr(tail, 1, RSTART - 1)
          sub(/^(; )?default: /, "", standard)
        }
        if (sub(/^values: /, "", tail)) {
          gsub(/, /, "`, `", tail)
          text = text " Values: `" tail "`."
        }
        # The text says it better, such as "one a core", where the number is that of this machine.
        if (text ~ /Default: /) standard = ""
      }
      if (name ~ /^(--version|-h, --help)$/) return
      if (!open) {
        print "\n## " section "\n"
        if (section == "Arguments") print "| argument | meaning |\n|---|---|"
        else print "| option | meaning | default |\n|---|---|---|"
        open = 1
      }
      if (standard != "") standard = "`" code(standard) "`"
      if (section != "Arguments") standard = " | " standard
      print "| `" code(name) "` | " cell(text) standard " |"
    }
    function code(text) { gsub(/\|/, "\\|", text); return text }
    function subcommand(name, text) {
      if (!open) {
        print "\n## Subcommands\n\n| command | what it does |\n|---|---|"
        open = 1
      }
      print "| [`disttrain " command " " name "`](" file "-" name ".md) | " cell(text) " |"
    }
    function flush() {
      if (item == "") return
      if (section == "Subcommands") subcommand(item, text); else row(item, text)
      item = ""
    }
    function close_example() { if (example) print "```"; example = 0 }

    BEGIN {
      print "<!-- Written by scripts/cli-reference.sh from the help of the program. -->\n"
      print "# disttrain " command "\n"
    }
    /^OVERVIEW: / { sub(/^OVERVIEW: /, ""); print plain($0); section = "Overview"; next }
    /^USAGE: / {
      sub(/^USAGE: /, "")
      close_example()
      print "\n```text\n" $0 "\n```"
      section = ""
      next
    }
    section == "Overview" {
      if ($0 ~ /^  /) {
        if (!example) { print "```bash"; example = 1 }
        sub(/^  /, "")
        print
      } else {
        close_example()
        if ($0 != "" || !blank) print plain($0)
      }
      blank = $0 == ""
      next
    }
    /^[A-Z][A-Z ,]*:$/ { flush(); sub(/:$/, ""); section = title($0); open = 0; next }
    /^  [^ ]/ && section != "" {
      flush()
      # Name and text are two blanks or more apart; a long name has its text on the next line.
      line = substr($0, 3)
      if (line ~ /^See .disttrain help/) next
      if (match(line, /  +/)) {
        item = substr(line, 1, RSTART - 1)
        text = substr(line, RSTART + RLENGTH)
      } else {
        # One blank, where the name is just as wide as its column.
        match(line, /^(-[-a-z]+|<[^>]*>)((, |\/| )(-[-a-z]+|<[^>]*>))*/)
        item = substr(line, 1, RLENGTH)
        text = substr(line, RLENGTH + 2)
      }
      next
    }
    /^   +/ && item != "" { sub(/^ +/, ""); text = text (text == "" ? "" : " ") $0; next }
    /^$/ { flush() }
    END { flush() }
  ' | cat -s >"$pages/$file.md"
}

# entry COMMAND…: its line of the index.
entry() {
  local file
  file=$(IFS=-; echo "$*")
  "$program" help "$@" | awk -v command="$*" -v file="$file" '
    # Read to the end: a pipe that is closed early would be an error of the program.
    /^OVERVIEW: / {
      sub(/^OVERVIEW: /, "")
      gsub(/\|/, "\\|")
      print "| [`disttrain " command "`](" file ".md) | " $0 " |"
    }'
}

{
  cat <<'END'
<!-- Written by scripts/cli-reference.sh from the help of the program. -->

# Commands

Every command with every option, as `disttrain help` prints them. All commands also take `--help`
and `--version`. What the exit statuses mean is in [cluster.md](../cluster.md#exit-statuses).

| command | what it does |
|---|---|
END
  for name in $(subcommands); do
    entry "$name"
    page "$name"
    for below in $(subcommands "$name"); do
      entry "$name" "$below"
      page "$name" "$below"
    done
  done
} >"$pages/index.md"

if $check; then
  if ! differences=$(diff -rq docs/cli "$pages" 2>&1); then
    names=$(sed -En "s|^Files docs/cli/(.*) and .* differ$|\1|p; s|^Only in .*: (.*)$|\1|p" \
      <<<"$differences" | sort | tr '\n' ' ' | sed 's/ $//; s/ /, /g')
    echo "docs/cli is not what the help of $program says (${names:-no such folder}); run" \
      "scripts/cli-reference.sh and commit what it writes" >&2
    exit 1
  fi
  exit 0
fi
mkdir -p docs/cli
rm -f docs/cli/*.md
cp "$pages"/*.md docs/cli/
