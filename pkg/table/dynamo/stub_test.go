package dynamo_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"reseed/pkg/fault"
	"reseed/pkg/table"
	"reseed/pkg/table/dynamo"
)

// stub answers every call alike and counts them: for what a real engine does
// only when it is overloaded.
func stub(t *testing.T, status int, answer func(request map[string]any) string) (*dynamo.Driver, *atomic.Int64) {
	t.Helper()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		body, err := io.ReadAll(r.Body)
		var request map[string]any
		if err != nil || json.Unmarshal(body, &request) != nil {
			t.Errorf("unreadable request: %v", err)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer(request))
	}))
	t.Cleanup(server.Close)
	return dynamo.New(clientOf(server.URL), "t"), &calls
}

func clientOf(url string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(url),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})
}

func write(sk string) table.Write {
	return table.Write{Item: table.Item{Key: table.Key{PK: "p", SK: sk}, Attrs: table.NewBuilder().Str("a", sk).Attrs()}}
}

func conditional() table.Write {
	w := write("a")
	w.If.Op = table.Absent
	return w
}

func TestErrorsAreSorted(t *testing.T) {
	t.Parallel()
	reasons := func(codes ...string) string {
		var list []string
		for _, c := range codes {
			list = append(list, fmt.Sprintf(`{"Code":%q}`, c))
		}
		return `,"CancellationReasons":[` + strings.Join(list, ",") + `]`
	}
	for name, c := range map[string]struct {
		status int
		code   string
		more   string
		want   fault.Kind
	}{
		"condition":               {400, "ConditionalCheckFailedException", "", fault.Conflict},
		"throughput":              {400, "ProvisionedThroughputExceededException", "", fault.Busy},
		"throttling":              {400, "ThrottlingException", "", fault.Busy},
		"request limit":           {400, "RequestLimitExceeded", "", fault.Busy},
		"conflicting transaction": {400, "TransactionConflictException", "", fault.Busy},
		"cancelled by condition":  {400, "TransactionCanceledException", reasons("None", "ConditionalCheckFailed", "TransactionConflict"), fault.Conflict},
		"cancelled by conflict":   {400, "TransactionCanceledException", reasons("None", "TransactionConflict"), fault.Busy},
		"cancelled by throttling": {400, "TransactionCanceledException", reasons("ThrottlingError", "None"), fault.Busy},
		"cancelled by throughput": {400, "TransactionCanceledException", reasons("ProvisionedThroughputExceeded"), fault.Busy},
		"cancelled as invalid":    {400, "TransactionCanceledException", reasons("ValidationError", "None"), fault.Internal},
		"validation":              {400, "ValidationException", "", fault.Internal},
		"no such table":           {400, "ResourceNotFoundException", "", fault.Internal},
		"no permission":           {400, "AccessDeniedException", "", fault.Internal},
		"server error":            {500, "InternalServerError", "", fault.Unavailable},
		"unknown server error":    {503, "Whatever", "", fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := stub(t, c.status, func(map[string]any) string {
				return fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"no"%s}`, c.code, c.more)
			})
			_, one := d.Transact(t.Context(), []table.Write{conditional()})
			_, two := d.Transact(t.Context(), []table.Write{write("a"), write("b")})
			_, _, _, get := d.Get(t.Context(), []table.Key{{PK: "p", SK: "a"}})
			_, query := d.Query(t.Context(), table.Query{PK: "p"})
			_, _, batch := d.Write(t.Context(), []table.Write{write("a")})
			for i, err := range []error{one, two, get, query, batch} {
				if !fault.Is(err, c.want) {
					t.Errorf("call %d: %v is %v, want %v", i, err, fault.KindOf(err), c.want)
				}
			}
		})
	}
}

// What may have been applied unnoticed must not meet itself as a conflict.
func TestOnlyRepeatableCallsAreRepeated(t *testing.T) {
	t.Parallel()
	failing := func(map[string]any) string { return `{"__type":"InternalServerError"}` }
	for name, c := range map[string]struct {
		writes []table.Write
		want   int64
	}{
		"a conditional write":  {[]table.Write{conditional()}, 1},
		"a plain write":        {[]table.Write{write("a")}, 2},
		"a transaction, token": {[]table.Write{conditional(), write("b")}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tokens := make(chan any, 9)
			d, calls := stub(t, http.StatusInternalServerError, func(r map[string]any) string {
				tokens <- r["ClientRequestToken"]
				return failing(r)
			})
			if _, err := d.Transact(t.Context(), c.writes); !fault.Is(err, fault.Unavailable) {
				t.Errorf("got %v", err)
			}
			if got := calls.Load(); got != c.want {
				t.Errorf("%d calls, want %d", got, c.want)
			}
			if first := <-tokens; c.want == 2 && (first != <-tokens || first == nil && len(c.writes) > 1) {
				t.Errorf("the tokens differ, the first is %v", first)
			}
		})
	}
}

func TestWhatIsLeftComesBack(t *testing.T) {
	t.Parallel()
	d, _ := stub(t, http.StatusOK, func(r map[string]any) string {
		if strings.Contains(fmt.Sprint(r), "Request:") { // a write
			return `{"UnprocessedItems":{"t":[{"DeleteRequest":{"Key":{"pk":{"S":"p"},"sk":{"S":"c"}}}},
				{"PutRequest":{"Item":{"pk":{"S":"p"},"sk":{"S":"a"},"a":{"S":"a"}}}}]},"ConsumedCapacity":[{"TableName":"t","CapacityUnits":2.5}]}`
		}
		return `{"Responses":{"t":[{"pk":{"S":"p"},"sk":{"S":"b"},"z":{"N":"-5"},"a":{"S":"x"}}]},
			"UnprocessedKeys":{"t":{"Keys":[{"pk":{"S":"p"},"sk":{"S":"c"}}]}},"ConsumedCapacity":[{"TableName":"t","CapacityUnits":1}]}`
	})
	gone := table.Write{Item: table.Item{Key: table.Key{PK: "p", SK: "c"}}, Delete: true}
	left, cost, err := d.Write(t.Context(), []table.Write{write("a"), write("b"), gone})
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 2 || left[0].Item.SK != "a" || left[0].Item.Attrs.Str("a") != "a" || !left[1].Delete || left[1].Item.SK != "c" {
		t.Errorf("left %v", left)
	}
	if cost != (table.Cost{WriteMilli: 2500}) {
		t.Errorf("cost %+v", cost)
	}
	items, keys, cost, err := d.Get(t.Context(), []table.Key{{PK: "p", SK: "b"}, {PK: "p", SK: "c"}})
	if err != nil {
		t.Fatal(err)
	}
	want := table.NewBuilder().Str("a", "x").Int("z", -5).Attrs()
	if len(items) != 1 || string(items[0].Attrs) != string(want) {
		t.Errorf("items %v", items)
	}
	if !slices.Equal(keys, []table.Key{{PK: "p", SK: "c"}}) || cost != (table.Cost{ReadMilli: 1000}) {
		t.Errorf("left %v, cost %+v", keys, cost)
	}
}

func TestForeignItemsAreRefused(t *testing.T) {
	t.Parallel()
	for _, attr := range []string{
		`"a":{"N":"1.5"}`, `"a":{"N":"9223372036854775808"}`, `"a":{"NULL":true}`, `"a":{"M":{}}`,
		`"a":{"SS":["x"]}`, `"a":{"L":[{"N":"1"}]}`, `"pk":{"N":"1"}`,
	} {
		d, _ := stub(t, http.StatusOK, func(map[string]any) string {
			return `{"Items":[{"pk":{"S":"p"},"sk":{"S":"b"},` + attr + `}]}`
		})
		if _, err := d.Query(t.Context(), table.Query{PK: "p"}); fault.CodeOf(err) != "store_foreign" {
			t.Errorf("%s: %v", attr, err)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	d := dynamo.New(clientOf(server.URL), "t")
	for _, writes := range [][]table.Write{{conditional()}, {write("a"), write("b")}} {
		if _, err := d.Transact(t.Context(), writes); !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v", err)
		}
	}
	if err := dynamo.CreateTable(t.Context(), clientOf(server.URL), "t"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("create table: %v", err)
	}
}
