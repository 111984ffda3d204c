# spp/2 for Perl: serve(\&main) calls main for each request, with the request in %ENV. Without SPP_PROTOCOL=2 it
# calls it once.
use strict;
use warnings;
use IO::Handle;

sub serve {
    my ($main) = @_;
    return $main->() if ($ENV{SPP_PROTOCOL} // '') ne '2';
    my %plain = ('\\' => '\\', r => "\r", n => "\n");
    open my $requests, '<&', \*STDIN or die "standard input: $!";
    open STDIN, '<', '/dev/null' or die "/dev/null: $!";    # programs that are started here must not read requests
    print "spp/2\n";
    STDOUT->flush;
    while (defined(my $hook = <$requests>)) {
        my %env;
        while ((my $line = <$requests> // return) ne "\n") {
            chomp $line;
            $line =~ s/\\(.)/$plain{$1}/g;
            my ($name, $value) = split /=/, $line, 2;
            $env{$name} = $value;
        }
        %ENV = %env;
        $main->();
        print ".\n";
        STDOUT->flush;
    }
}

1;
