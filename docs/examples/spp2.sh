# spp/2 for sh: `serve NAME` calls the function NAME for each request, with the request in the environment and, where
# there is one, the message on standard input. Without SPP_PROTOCOL=2 it calls it once.

serve() {
  [ "${SPP_PROTOCOL-}" = 2 ] || { "$1"; return; }
  spp_names='SPP_PROTOCOL PATH LANG TZ'
  echo spp/2
  while read -r spp_hook; do
    unset $spp_names
    spp_names=
    while IFS= read -r spp_pair || return; do
      [ "$spp_pair" ] || break
      spp_name=${spp_pair%%=*}
      spp_value=${spp_pair#*=}
      case $spp_name in
        # No names for sh, or the shell's own.
        [0-9]* | *[!A-Za-z0-9_]* | spp_* | IFS | PPID | UID | EUID | BASHOPTS | SHELLOPTS) continue ;;
      esac
      case $spp_value in
        *\\*) spp_value=$(printf '%b.' "$spp_value"); spp_value=${spp_value%.} ;;
      esac
      export "$spp_name=$spp_value"
      spp_names="$spp_names $spp_name"
    done
    "$1" <"${SPPMESSAGE:-/dev/null}"
    echo .
  done
}
