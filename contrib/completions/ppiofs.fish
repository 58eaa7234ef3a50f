# SPDX-License-Identifier: MIT
# fish completion for ppiofs

function __ppiofs_profiles
    printf '%s\n' ppio novita
    set -l home $XDG_CONFIG_HOME
    test -n "$home"; or set home ~/.config
    for file in $home/ppiofs/config /etc/ppiofs/config
        test -r $file; or continue
        string replace -rf '^\[([^]]+)\].*' '$1' <$file | string match -v defaults
        return
    end
end

function __ppiofs_mounts
    string match -r '.* - fuse\.ppiofs .*' </proc/self/mountinfo | while read -l line
        printf '%b\n' (string replace -a '\\' '\\0' -- (string split ' ' -- $line)[5])
    end
end

# name, what it is, and the values that are worth proposing
function __ppiofs_options
    printf '%s\n' \
        'api_url=|base URL of the API|https://api.ppio.com https://api.novita.ai' \
        'api_key_file=|file that holds the API key|FILE' \
        'ttl=|how long the list is fresh|' \
        'detail_ttl=|how long details (tools, prices) are fresh|' \
        'negative_ttl=|how long an unknown id counts as missing|' \
        'max_stale=|maximum age of data shown while the API fails|' \
        'timeout=|deadline of an operation, retries included|' \
        'patience=|longest wait if older data can be shown|' \
        'parallel_requests=|requests at the same time|' \
        'page_size=|instances in one list request|' \
        'secrets=|passwords and variables|show hide' \
        'ssh_names=|names in ssh/config|long short' \
        'watch=|fetch the list every SECONDS, log changes|off 10 60' \
        'kinds=|directories to show|all instances products' \
        'watch_kinds=|directories that watch polls|instances products' \
        'cacert=|certificate authorities to trust|FILE' \
        'proxy=|proxy for all requests|' \
        'config=|configuration file|FILE' \
        'log=|least important level to log|error warning info debug' \
        'uid=|owner of the files|' \
        'gid=|group of the files|' \
        'umask=|permission bits to remove|' \
        'allow_other|let other users access the mount|' \
        'auto_unmount|unmount even if ppiofs is killed|' \
        'fsname=|name that df and mount show|'
end

# One item of the list behind -o, with all that stands before it.
function __ppiofs_option_list
    set -l list (string replace -r '^-o' '' -- (commandline -ct))
    set -l before (string replace -rf '^(.*,).*$' '$1' -- $list)
    set -l item (string replace -r '^.*,' '' -- $list)
    set -l name (string replace -rf '^([^=]*=).*' '$1' -- $item)
    __ppiofs_options | while read -l -d '|' option what values
        if test -z "$name"
            printf '%s%s\t%s\n' "$before" $option $what
        else if test "$name" = $option
            if test "$values" = FILE
                __fish_complete_path (string replace -r '^[^=]*=' '' -- $item) | while read -l path
                    printf '%s%s%s\n' "$before" $name $path
                end
            else
                for value in (string split -n ' ' -- $values)
                    printf '%s%s%s\n' "$before" $name $value
                end
            end
        end
    end
end

complete -c ppiofs -f
complete -c ppiofs -n 'not __fish_seen_argument -l refresh' -a '(__ppiofs_profiles)' -d profile
complete -c ppiofs -n 'not __fish_seen_argument -l refresh' -a '(__fish_complete_directories)'
complete -c ppiofs -n '__fish_seen_argument -l refresh' -a '(__ppiofs_mounts)' -d 'mounted ppiofs'
complete -c ppiofs -l check -d 'test all that a mount needs, say what to do'
complete -c ppiofs -l refresh -d 'drop the cache; the next access fetches'
complete -c ppiofs -l print-config -d 'print each value and its origin'
complete -c ppiofs -s f -d 'stay in the foreground, log to standard error'
complete -c ppiofs -s d -d 'like -f, with -o log=debug'
complete -c ppiofs -s h -l help -d 'show a summary'
complete -c ppiofs -s V -l version -d 'show the version'
complete -c ppiofs -s o -x -a '(__ppiofs_option_list)' -d option
