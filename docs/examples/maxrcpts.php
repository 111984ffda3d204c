#!/usr/bin/env php
<?php
// Limits the recipients of one message to MAXRECIPIENTS.

function main(): void
{
    $limit = getenv('MAXRECIPIENTS');
    if ($limit !== false && (int) getenv('SMTPRCPTCOUNT') >= (int) $limit) {
        echo "E550 sorry, too many recipients (#5.7.1)\n";
    }
}

require __DIR__ . '/spp2.php'; serve('main');
