// spp/2 for Go: serve(answer) calls answer for each request, with the request in the environment. Without
// SPP_PROTOCOL=2 it calls it once. Build it with the program: go build -o maxrcpts maxrcpts.go spp2.go
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

var plain = strings.NewReplacer(`\\`, `\`, `\r`, "\r", `\n`, "\n")

func serve(answer func()) {
	if os.Getenv("SPP_PROTOCOL") != "2" {
		answer()
		return
	}
	requests := bufio.NewScanner(os.Stdin)
	requests.Buffer(nil, 1<<23)
	fmt.Println("spp/2")
	for requests.Scan() {
		os.Clearenv()
		more := requests.Scan()
		for ; more && requests.Text() != ""; more = requests.Scan() {
			name, value, _ := strings.Cut(plain.Replace(requests.Text()), "=")
			os.Setenv(name, value)
		}
		if !more {
			return // in the middle of a request
		}
		answer()
		fmt.Println(".")
	}
}
