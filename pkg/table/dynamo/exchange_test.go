package dynamo_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"reseed/pkg/fault"
	"reseed/pkg/table"
	"reseed/pkg/table/dynamo"
)

// request is what a service sees of a call.
type request struct {
	*http.Request
	body []byte
}

// recorder answers what it is told, one after the other and the last again and again, and keeps the requests.
func recorder(t *testing.T, answers ...string) (url string, requests chan request) {
	t.Helper()
	requests = make(chan request, 9)
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		requests <- request{r, body}
		answer := answers[min(int(calls.Add(1)), len(answers))-1]
		if strings.Contains(answer, "__type") {
			w.WriteHeader(http.StatusInternalServerError)
		}
		io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func each() []table.Write {
	full := table.NewBuilder().Str("s", "Zoë \"\\\n\u2028<&>").IntAlways("n", -5).Bool("b", true).
		Bytes("x", []byte{0, 0xff}).List("l", []string{"a", ""}).Attrs()
	return []table.Write{
		{Item: table.Item{Key: table.Key{PK: "p", SK: `a"\`}, Attrs: full}},
		{Item: table.Item{Key: table.Key{PK: "p", SK: "b"}}},
		{Item: table.Item{Key: table.Key{PK: "p", SK: "c"}}, Delete: true},
	}
}

// Our bodies say what the SDK's say, and the rest of the request is the SDK's.
func TestRequestsAreTheSDKs(t *testing.T) {
	t.Parallel()
	s := func(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }
	twice := func(o *dynamodb.Options) { o.RetryMaxAttempts = 2 }
	type item = map[string]types.AttributeValue
	url, requests := recorder(t, `{}`)
	driver, sdk := dynamo.New(clientOf(url), "a.table-1"), clientOf(url)
	for name, c := range map[string]struct{ ours, theirs func() error }{
		"write": {
			func() error { _, _, err := driver.Write(t.Context(), each()); return err },
			func() error {
				_, err := sdk.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{
					RequestItems: map[string][]types.WriteRequest{"a.table-1": {
						{PutRequest: &types.PutRequest{Item: item{
							"pk": s("p"), "sk": s(`a"\`), "s": s("Zoë \"\\\n\u2028<&>"), "n": &types.AttributeValueMemberN{Value: "-5"},
							"b": &types.AttributeValueMemberBOOL{Value: true}, "x": &types.AttributeValueMemberB{Value: []byte{0, 0xff}},
							"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{s("a"), s("")}},
						}}},
						{PutRequest: &types.PutRequest{Item: item{"pk": s("p"), "sk": s("b")}}},
						{DeleteRequest: &types.DeleteRequest{Key: item{"pk": s("p"), "sk": s("c")}}},
					}},
					ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
				}, twice)
				return err
			},
		},
		"get": {
			func() error {
				_, _, _, err := driver.Get(t.Context(), []table.Key{{PK: "p", SK: `a"\`}, {PK: "q", SK: "b"}})
				return err
			},
			func() error {
				_, err := sdk.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{
					RequestItems: map[string]types.KeysAndAttributes{"a.table-1": {
						ConsistentRead: aws.Bool(true), Keys: []item{{"pk": s("p"), "sk": s(`a"\`)}, {"pk": s("q"), "sk": s("b")}},
					}},
					ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
				}, twice)
				return err
			},
		},
	} {
		if err := c.ours(); err != nil {
			t.Fatal(err)
		}
		if err := c.theirs(); err != nil {
			t.Fatal(err)
		}
		ours, theirs := <-requests, <-requests
		for _, r := range []request{ours, theirs} { // what differs from call to call
			for _, header := range []string{"Authorization", "Amz-Sdk-Invocation-Id", "X-Amz-Date", "Content-Length"} {
				if r.Header.Get(header) == "" {
					t.Errorf("%s: no %s", name, header)
				}
				r.Header.Del(header)
			}
		}
		if diff := cmp.Diff(theirs.Header, ours.Header); diff != "" {
			t.Errorf("%s: headers (-SDK +ours):\n%s", name, diff)
		}
		if ours.Method != theirs.Method || ours.RequestURI != theirs.RequestURI || ours.ContentLength != int64(len(ours.body)) {
			t.Errorf("%s: %s %s, %d bytes", name, ours.Method, ours.RequestURI, ours.ContentLength)
		}
		if diff := cmp.Diff(parsed(t, theirs.body), parsed(t, ours.body)); diff != "" {
			t.Errorf("%s: body (-SDK +ours):\n%s", name, diff)
		}
	}
}

func parsed(t *testing.T, body []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return v
}

// A second try sends the same body, and the signature of each is that of its body.
func TestBodiesAreSigned(t *testing.T) {
	t.Parallel()
	url, requests := recorder(t, `{"__type":"InternalServerError"}`, `{}`)
	if _, _, err := dynamo.New(clientOf(url), "t").Write(t.Context(), each()); err != nil {
		t.Fatal(err)
	}
	first, second := <-requests, <-requests
	if !bytes.Equal(first.body, second.body) || len(first.body) == 0 {
		t.Errorf("%s\nthen %s", first.body, second.body)
	}
	for _, r := range []request{first, second} {
		authorization := r.Header.Get("Authorization")
		at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil {
			t.Fatal(err)
		}
		again, err := http.NewRequestWithContext(t.Context(), r.Method, "http://"+r.Host+r.RequestURI, bytes.NewReader(r.body))
		if err != nil {
			t.Fatal(err)
		}
		_, signed, _ := strings.Cut(authorization, "SignedHeaders=")
		signed, _, _ = strings.Cut(signed, ",")
		for name := range strings.SplitSeq(signed, ";") {
			again.Header.Set(name, r.Header.Get(name))
		}
		again.Header.Del("Host")
		hash := sha256.Sum256(r.body)
		err = v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"},
			again, hex.EncodeToString(hash[:]), "dynamodb", "us-east-1", at)
		if got := again.Header.Get("Authorization"); err != nil || got != authorization {
			t.Errorf("%v\ngot  %s\nwant %s", err, authorization, got)
		}
	}
}

func TestUnreadableAnswers(t *testing.T) {
	t.Parallel()
	const secret = "ada@example.com"
	for _, answer := range []string{
		`no JSON`, `{`, `[]`,
		`{"Items":[{"pk":{"S":"p"},"sk":{"S":"` + secret, `{"Items":[{"pk":"` + secret + `"}]}`,
		`{"Responses":{"t":[{"pk":{"S":"p"},"sk":{"S":"` + secret + `"}`,
		`{"UnprocessedItems":{"t":[{"PutRequest":{"Item":{"pk":{"S":"p"},"sk":{"S":"` + secret + `"}}]}}`,
	} {
		d, calls := stub(t, http.StatusOK, func(map[string]any) string { return answer })
		_, _, _, get := d.Get(t.Context(), []table.Key{{PK: "p", SK: "a"}})
		_, query := d.Query(t.Context(), table.Query{PK: "p"})
		_, _, write := d.Write(t.Context(), []table.Write{write("a")})
		bad := 0
		for _, err := range []error{get, query, write} {
			if err != nil {
				bad++
			}
			if err != nil && (fault.CodeOf(err) != "store_engine" || strings.Contains(err.Error(), secret)) {
				t.Errorf("%s: %v", answer, err)
			}
		}
		if bad == 0 || calls.Load() != 3 {
			t.Errorf("%s: %d errors in %d calls", answer, bad, calls.Load())
		}
	}
}

// A connection that ends within an answer is worth a second try, as any that is lost.
func TestAnAnswerThatIsCut(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"Items\":[")
		if tcp, ok := conn.(*net.TCPConn); ok {
			tcp.SetLinger(0) // a reset, not an end
		}
	}))
	t.Cleanup(server.Close)
	_, err := dynamo.New(clientOf(server.URL), "t").Query(t.Context(), table.Query{PK: "p"})
	if !fault.Is(err, fault.Unavailable) || calls.Load() != 2 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}

// A large answer that comes at once costs no connection: see exchange.Do.
func TestQuickAnswers(t *testing.T) {
	t.Parallel()
	var items strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&items, `{"pk":{"S":"p"},"sk":{"S":"%08d"},"a":{"S":"twenty characters..."}},`, i)
	}
	answer := `{"Items":[` + strings.TrimSuffix(items.String(), ",") + `]}`
	d, calls := stub(t, http.StatusOK, func(map[string]any) string { return answer })
	const pages = 20
	for range pages {
		page, err := d.Query(t.Context(), table.Query{PK: "p"})
		if err != nil || len(page.Items) != 20_000 || page.Items[19_999].SK != "00019999" {
			t.Fatal(len(page.Items), err)
		}
	}
	if got := calls.Load(); got != pages {
		t.Errorf("%d calls for %d pages", got, pages)
	}
}

// Calls that run side by side share memory one after the other, never at once.
func TestBodiesAreNotMixedUp(t *testing.T) {
	t.Parallel()
	d, _ := stub(t, http.StatusOK, func(r map[string]any) string {
		keys := regexp.MustCompile(`sk:map\[S:([0-9.]+)\]`).FindAllStringSubmatch(fmt.Sprint(r), -1)
		if len(keys) != 25 {
			t.Errorf("%d writes", len(keys))
			return ""
		}
		return fmt.Sprintf(`{"UnprocessedItems":{"t":[{"PutRequest":{"Item":{"pk":{"S":"p"},"sk":{"S":%q}}}}]}}`, keys[0][1])
	})
	done := make(chan error)
	const workers, calls = 8, 20
	for worker := range workers {
		go func() {
			done <- func() error {
				for call := range calls {
					batch := make([]table.Write, 25)
					for i := range batch {
						batch[i] = write(fmt.Sprintf("%d.%d.%d", worker, call, i))
					}
					left, _, err := d.Write(t.Context(), batch)
					if err != nil || len(left) != 1 || left[0].Item.SK != batch[0].Item.SK {
						return fmt.Errorf("left %v, %w", left, err)
					}
				}
				return nil
			}()
		}()
	}
	for range workers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
