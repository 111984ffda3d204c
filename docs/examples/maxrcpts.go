// Limits the recipients of one message to MAXRECIPIENTS.
package main

import (
	"fmt"
	"os"
	"strconv"
)

func answer() {
	limit, set := os.LookupEnv("MAXRECIPIENTS")
	most, _ := strconv.Atoi(limit)
	count, _ := strconv.Atoi(os.Getenv("SMTPRCPTCOUNT"))
	if set && count >= most {
		fmt.Println("E550 sorry, too many recipients (#5.7.1)")
	}
}

func main() { serve(answer) }
