# SPDX-License-Identifier: MIT
# bash completion for ppiofs                                                 -*- shell-script -*-
# Needs nothing but bash, so that it can be sourced without the package bash-completion, too.

# The sections of the configuration file, and the profiles that are built in.
_ppiofs_profiles()
{
    local file line

    echo ppio
    echo novita
    for file in "${XDG_CONFIG_HOME:-$HOME/.config}/ppiofs/config" /etc/ppiofs/config; do
        [[ -r $file ]] || continue
        while IFS= read -r line; do
            [[ $line =~ ^\[([^]]+)\] ]] && [[ ${BASH_REMATCH[1]} != defaults ]] &&
                printf '%s\n' "${BASH_REMATCH[1]}"
        done <"$file"
        return
    done
}

_ppiofs_mounts()
{
    local line fields

    while IFS= read -r line; do
        [[ $line == *' - fuse.ppiofs '* ]] || continue
        read -r -a fields <<<"${line//\\/\\\\}"
        printf '%b\n' "${fields[4]//\\/\\0}"
    done </proc/self/mountinfo
}

# Fills COMPREPLY with those lines of standard input that begin with $1, quoted where needed.
_ppiofs_pick()
{
    local line

    while IFS= read -r line; do
        [[ $line == "$1"* ]] && COMPREPLY+=("$(printf '%q' "$line")")
    done
}

_ppiofs_files()
{
    local found

    while IFS= read -r found; do
        COMPREPLY+=("$found")
    done < <(compgen "-$1" -- "$2")
    type compopt &>/dev/null && compopt -o filenames 2>/dev/null
}

# One item of the list behind -o; $1 is the list so far.
_ppiofs_option()
{
    local options="api_url= api_key_file= ttl= detail_ttl= negative_ttl= max_stale= timeout=
        patience= parallel_requests= page_size= secrets= ssh_names= watch= kinds=
        watch_kinds= cacert= proxy= config= log= uid= gid= umask= allow_other auto_unmount fsname="
    local item=${1##*,} before='' names='' i
    local -a values=()

    [[ $1 == *,* ]] && before=${1%,*},
    case $item in
        secrets=*) values=(show hide) ;;
        ssh_names=*) values=(long short) ;;
        kinds=* | watch_kinds=*) values=(all instances products products-cpu products-serverless
            regions endpoints templates networks prewarm-tasks) ;;
        log=*) values=(error warning info debug) ;;
        watch=*) values=(off 10 60) ;;
        api_url=*) values=(https://api.ppio.com https://api.novita.ai) ;;
        uid=*) mapfile -t values < <(compgen -u) ;;
        gid=*) mapfile -t values < <(compgen -g) ;;
        api_key_file=* | cacert=* | config=*) mapfile -t values < <(compgen -f -- "${item#*=}") ;;
        *=*) ;;
        *) names=yes ;;
    esac
    if [[ $names ]]; then
        for i in $options; do
            [[ $i == "$item"* ]] && COMPREPLY+=("$before$i")
        done
    else
        for i in "${values[@]}"; do
            [[ $i == "${item#*=}"* ]] && COMPREPLY+=("$before${item%%=*}=$i")
        done
    fi
    # To go on behind '=' or with a comma.
    type compopt &>/dev/null && compopt -o nospace 2>/dev/null
}

_ppiofs()
{
    local line=${COMP_LINE:0:COMP_POINT} word previous i
    local switches="--check --refresh --print-config -f -d -h --help -V --version -o"

    # Not from COMP_WORDS, which is split at '=' and ':', too. $2 is what readline will replace.
    COMPREPLY=()
    word=${line##*[[:space:]]}
    line=${line%"$word"}
    line=${line%"${line##*[![:space:]]}"}
    previous=${line##*[[:space:]]}
    if [[ $previous == -o ]]; then
        _ppiofs_option "$word"
        for i in "${!COMPREPLY[@]}"; do
            COMPREPLY[i]=${COMPREPLY[i]:${#word}-${#2}}
        done
    elif [[ $word == -* ]]; then
        _ppiofs_pick "$word" <<<"${switches// /$'\n'}"
    elif [[ " $line " == *' --refresh '* ]]; then
        _ppiofs_pick "$word" < <(_ppiofs_mounts)
    else
        # The first word may be a profile or the mount point.
        if [[ $previous == -* || $previous == "$line" ]]; then
            _ppiofs_pick "$word" < <(_ppiofs_profiles)
        fi
        _ppiofs_files d "$2"
    fi
}

complete -o bashdefault -F _ppiofs ppiofs
