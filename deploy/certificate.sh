#!/bin/sh
# Hands a renewed certificate of certbot to hither, which cannot read certbot's own folder.
# Installed as /etc/letsencrypt/renewal-hooks/deploy/hither; certbot sets RENEWED_LINEAGE.
set -eu
to=/etc/hither/tls
install -d -o root -g hither -m 0750 "$to"
install -o root -g hither -m 0640 "$RENEWED_LINEAGE/privkey.pem" "$to/privkey.pem.new"
install -o root -g hither -m 0644 "$RENEWED_LINEAGE/fullchain.pem" "$to/fullchain.pem.new"
mv "$to/privkey.pem.new" "$to/privkey.pem"
mv "$to/fullchain.pem.new" "$to/fullchain.pem"
# The service looks every ten seconds; this makes it look now.
systemctl reload hither || true
