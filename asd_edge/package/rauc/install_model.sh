#!/bin/sh
# RAUC runs this from a mounted bundle whose signature and hardware it has checked: the model goes into the slot that
# isn't in use, proves itself there and becomes the active one, or everything stays as it was.
# rauc.service may set ASD_EDGE, the command, and ASD_EDGE_SLOTS, the folder of the slots.
set -u
asd_edge=${ASD_EDGE:-asd-edge}
slots=${ASD_EDGE_SLOTS:-/var/lib/asd-edge/models}
service=asd-edge-listen.service

if ! command -v "$asd_edge" >/dev/null; then
    echo "<< error $asd_edge isn't here: install asd-edge, or set ASD_EDGE in rauc.service"
    exit 1
fi
if ! said=$("$asd_edge" slots install "$RAUC_BUNDLE_MOUNT_POINT/model" --slots "$slots" 2>&1); then
    echo "<< error $(printf '%s\n' "$said" | tail -n 1 | sed 's/^error: //')"
    exit 1
fi
printf '%s\n' "$said"

# It takes the new model without losing a sample; where it doesn't run, it will read it when it starts.
if [ -d /run/systemd/system ] && systemctl --quiet is-active "$service"; then
    systemctl reload "$service"
fi
exit 0
