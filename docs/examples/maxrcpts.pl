#!/usr/bin/env perl
# Limits the recipients of one message to MAXRECIPIENTS.
use strict;
use warnings;

sub main {
    my $limit = $ENV{MAXRECIPIENTS} // return;
    print "E550 sorry, too many recipients (#5.7.1)\n" if $ENV{SMTPRCPTCOUNT} >= ($limit || 0);
}

require './plugins/spp2.pl'; serve(\&main);
