package dynamo_test

import (
	"bufio"
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serviceEnv is an environment variable that makes the test binary the service of the benchmarks: a
// process of its own, whose CPU time is not counted and which answers every call at once.
const serviceEnv = "RESEED_TEST_SERVICE"

// service is that process as the benchmarks see it.
type service struct{ url string }

func startService(b *testing.B) service {
	b.Helper()
	binary, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), binary)
	cmd.Env = append(os.Environ(), serviceEnv+"=1")
	cmd.Stderr = os.Stderr
	alive, err := cmd.StdinPipe() // it ends when its input does
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		alive.Close()
		cmd.Wait()
	})
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	s := service{strings.TrimSpace(url)}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_DYNAMODB": s.url, "AWS_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
	} {
		b.Setenv(name, value)
	}
	return s
}

// items returns how many items were put so far.
func (s service) items(b *testing.B) int {
	b.Helper()
	resp, err := http.Get(s.url) //nolint:noctx // a benchmark's
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	n, err := strconv.Atoi(string(text))
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// serve is the service's main.
func serve() int {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a process of its own
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var items atomic.Int64
	page := fullPage()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		switch r.Header.Get("X-Amz-Target") {
		case "DynamoDB_20120810.BatchWriteItem":
			n := bytes.Count(body, []byte(`"PutRequest"`))
			items.Add(int64(n))
			answer(w, fmt.Appendf(nil, `{"UnprocessedItems":{},"ConsumedCapacity":[{"TableName":"t","CapacityUnits":%d}]}`, n))
		case "DynamoDB_20120810.Query":
			// Not at once: else the SDK's own client loses the connection (see exchange.Do), which
			// would make the comparison unfair.
			time.Sleep(5 * time.Millisecond)
			answer(w, page)
		default:
			fmt.Fprint(w, items.Load())
		}
	})
	go http.Serve(l, handler)
	fmt.Printf("http://%s\n", l.Addr())
	io.Copy(io.Discard, os.Stdin)
	return 0
}

func answer(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	w.Write(body)
}

// pageItems is how many customers of about 300 bytes make a full page.
const pageItems = 3500

// fullPage returns the answer to a Query. Its attributes are in no order, as in answers of the
// service.
func fullPage() []byte {
	page := fmt.Appendf(nil, `{"Count":%d,"ScannedCount":%[1]d,"ConsumedCapacity":{"TableName":"t","CapacityUnits":256},"Items":[`, pageItems)
	for i := range pageItems {
		if i > 0 {
			page = append(page, ',')
		}
		page = fmt.Appendf(page, `{"name":{"S":"François Duarte"},"zip":{"S":"EH7 0FJ"},"_at":{"N":"1763890000000"},"country":{"S":"GB"},`+
			`"sk":{"S":"c#%026x"},"company":{"S":"Harvest Insurance Ltd."},"_up":{"N":"1763890000000"},`+
			`"email":{"S":"francois.duarte%d@example.com"},"state":{"S":"Scotland"},"pk":{"S":"0001f.c1#04"},"city":{"S":"Edinburgh"},`+
			`"lead_created_at":{"N":"1763890000000"},"external_id":{"S":"scus_%06d"},"free_trial_started_at":{"N":"1763890000000"}}`, i, i, i)
	}
	return append(page, `]}`...)
}
