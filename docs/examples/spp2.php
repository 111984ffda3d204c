<?php
// spp/2 for PHP: serve('main') calls main() for each request, with the request in the environment ($_SERVER as well).
// Without SPP_PROTOCOL=2 it calls it once.

const SPP_PLAIN = ['\\\\' => '\\', '\\r' => "\r", '\\n' => "\n"];

function serve(callable $main): void
{
    if (getenv('SPP_PROTOCOL') !== '2') {
        $main();
        return;
    }
    $env = getenv();
    $server = array_diff_key($_SERVER, $env);
    echo "spp/2\n";
    while (fgets(STDIN) !== false) {
        array_map('putenv', array_map('strval', array_keys($env)));
        $env = [];
        while (($line = fgets(STDIN)) !== "\n") {
            if ($line === false) {
                return;
            }
            $pair = strtr(substr($line, 0, -1), SPP_PLAIN);
            [$name, $value] = explode('=', $pair, 2);
            $env[$name] = $value;
            putenv($pair);
        }
        $_SERVER = $server + $env;
        ob_start(); // the whole answer at once
        $main();
        echo ".\n";
        ob_end_flush();
    }
}
