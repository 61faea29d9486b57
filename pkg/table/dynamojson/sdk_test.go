package dynamojson_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"reseed/pkg/table"
	"reseed/pkg/table/dynamojson"
)

type attributes = map[string]types.AttributeValue

// The SDK reads what we write; we read what the SDK writes, and what we write ourselves.
func FuzzSDK(f *testing.F) { f.Fuzz(rapid.MakeFuzz(agrees)) }

func TestSDK(t *testing.T) {
	t.Parallel()
	rapid.Check(t, agrees)
}

func agrees(t *rapid.T) {
	it, values := item(t)
	ours := dynamojson.AppendItem(nil, it)
	if !json.Valid(ours) {
		t.Fatalf("no JSON: %s", ours)
	}
	got, err := sdkReads(t.Context(), fmt.Sprintf(`{"Items":[%s]}`, ours))
	if err != nil || len(got) != 1 || !equal(got[0], values) {
		t.Fatalf("the SDK reads %v (%v), want %v: %s", got, err, values, ours)
	}
	theirs := sdkWrites(t, values)
	for _, text := range [][]byte{ours, theirs} {
		back, err := dynamojson.NewDecoder(text).Item()
		if err != nil || back.Key != it.Key || string(back.Attrs) != string(it.Attrs) {
			t.Fatalf("we read %v (%v), want %v: %s", back, err, it, text)
		}
		if key, err := dynamojson.NewDecoder(text).Key(); err != nil || key != it.Key {
			t.Fatalf("we read key %v (%v), want %v: %s", key, err, it.Key, text)
		}
	}
}

// item draws an item and returns it in our type and in the SDK's types.
func item(t *rapid.T) (table.Item, attributes) {
	key := rapid.StringMatching(`[ -~]{1,20}`)
	it := table.Item{Key: table.Key{PK: key.Draw(t, "pk"), SK: key.Draw(t, "sk")}}
	values := attributes{
		"pk": &types.AttributeValueMemberS{Value: it.PK},
		"sk": &types.AttributeValueMemberS{Value: it.SK},
	}
	build := table.NewBuilder()
	names := rapid.StringN(1, 8, 200).Filter(func(s string) bool { return s != "pk" && s != "sk" && utf8.ValidString(s) })
	for _, name := range rapid.SliceOfNDistinct(names, 0, 14, rapid.ID).Draw(t, "names") {
		value, plain := value(t)
		build.Raw(name, value)
		av, err := attributevalue.Marshal(plain)
		if err != nil {
			t.Fatal(err)
		}
		values[name] = av
	}
	it.Attrs = build.Attrs()
	return it, values
}

// value draws a value and returns it in our type and as a Go value.
func value(t *rapid.T) (table.Value, any) {
	text := rapid.String().Filter(utf8.ValidString)
	switch rapid.SampledFrom([]table.Type{table.String, table.Int, table.Bool, table.Bytes, table.List}).Draw(t, "type") {
	case table.Int:
		n := rapid.Int64().Draw(t, "int")
		return intValue(n), n
	case table.Bool:
		b := rapid.Bool().Draw(t, "bool")
		return table.BoolValue(b), b
	case table.Bytes:
		b := append([]byte{}, rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")...) // nil would be NULL
		return table.Value{Type: table.Bytes, Raw: b}, b
	case table.List:
		list := append([]string{}, rapid.SliceOf(text).Draw(t, "list")...)
		return table.ListValue(list), list
	case table.String:
	}
	s := text.Draw(t, "text")
	return table.Value{Type: table.String, Raw: []byte(s)}, s
}

func intValue(n int64) table.Value {
	v, _ := table.NewBuilder().IntAlways("n", n).Attrs().Get("n")
	return v
}

// equal reports whether two items in the SDK's types have equal values.
func equal(a, b attributes) bool {
	x, errX := plain(a)
	y, errY := plain(b)
	return errX == nil && errY == nil && x.Key == y.Key && string(x.Attrs) == string(y.Attrs)
}

// plain converts an item in the SDK's types: our decoder must return the same.
func plain(m attributes) (it table.Item, err error) {
	build := table.NewBuilder()
	for name, av := range m {
		v, ok := stored(av)
		switch {
		case !ok:
			return it, errors.New("foreign")
		case (name == "pk" || name == "sk") && v.Type != table.String:
			return it, errors.New("foreign key")
		case name == "pk":
			it.PK = v.Str()
		case name == "sk":
			it.SK = v.Str()
		default:
			build.Raw(name, v)
		}
	}
	if m["pk"] == nil || m["sk"] == nil {
		return it, errors.New("no key")
	}
	it.Attrs = build.Attrs()
	return it, nil
}

func stored(av types.AttributeValue) (table.Value, bool) {
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return table.Value{Type: table.String, Raw: []byte(av.Value)}, true
	case *types.AttributeValueMemberN:
		n, err := strconv.ParseInt(av.Value, 10, 64)
		return intValue(n), err == nil
	case *types.AttributeValueMemberBOOL:
		return table.BoolValue(av.Value), true
	case *types.AttributeValueMemberB:
		return table.Value{Type: table.Bytes, Raw: av.Value}, true
	case *types.AttributeValueMemberL:
		list := make([]string, len(av.Value))
		for i, e := range av.Value {
			s, ok := e.(*types.AttributeValueMemberS)
			if !ok {
				return table.Value{}, false
			}
			list[i] = s.Value
		}
		return table.ListValue(list), true
	}
	return table.Value{}, false
}

// wire is an HTTP client for the SDK that answers by itself.
type wire func(*http.Request) (*http.Response, error)

func (w wire) Do(r *http.Request) (*http.Response, error) { return w(r) }

func (w wire) client() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", HTTPClient: w, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), Retryer: aws.NopRetryer{},
	})
}

func answer(body string) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// sdkReads returns the items that the SDK reads from the answer to a Query.
func sdkReads(ctx context.Context, body string) ([]attributes, error) {
	client := wire(func(*http.Request) (*http.Response, error) { return answer(body), nil }).client()
	out, err := client.Query(ctx, &dynamodb.QueryInput{TableName: aws.String("t")})
	if err != nil {
		return nil, err
	}
	return out.Items, nil
}

// sdkWrites returns the item as the SDK writes it.
func sdkWrites(t *rapid.T, item attributes) []byte {
	var request struct {
		Item json.RawMessage `json:"Item"`
	}
	client := wire(func(r *http.Request) (*http.Response, error) {
		return answer("{}"), json.NewDecoder(r.Body).Decode(&request)
	}).client()
	if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("t"), Item: item}); err != nil {
		t.Fatal(err)
	}
	return request.Item
}

// Reading any input ends, and returns what the SDK reads.
func FuzzDecoder(f *testing.F) {
	for _, items := range []string{
		``, `{}`, `null`, `{"pk":{"S":"p"},"sk":{"S":"s"}}`, ` { "sk" : { "S" : "s" } , "pk":{"S":"p"},"b":{"N":"1"},"a":{"B":"AAE="} } `,
		`{"pk":{"S":"p"},"sk":{"S":"s"},"l":{"L":[{"S":"x"},{"S":""}]},"t":{"BOOL":true},"f":{"BOOL":false}},{"pk":{"S":"p"},"sk":{"S":"t"}}`,
		`{"pk":{"S":"p"},"sk":{"S":"\u00e9\ud83d\ude00\ud800\ud800\u0041\udc00\"\\\/\b\f\n\r\t"}}`, `{"pk":{"S":"p"},"sk":{"\u0053":"s"}}`,
		"{\"pk\":{\"S\":\"\"},\"sk\":{\"S\":\"\xc3\\b\"}}", "{\"pk\":{\"S\":\"\"},\"sk\":{\"S\":\"\xc3\"}}",
		`{"pk":{"S":"p"},"sk":{"S":"s"},"m":{"M":{"x":{"L":[{"S":"]"}]}}}}`, `{"pk":{"S":"p"},"sk":{"S":"s"},"n":{"N":"+1"}}`,
		`],"Count":-1.5e3,"Other":{"a":[1,{"b":"}"},null]},"LastEvaluatedKey":null,"X":[`,
	} {
		f.Add(items)
	}
	f.Fuzz(func(t *testing.T, items string) {
		body := `{"Items":[` + items + `]}`
		got, err := read(body)
		if err != nil || !json.Valid([]byte(body)) || strings.Count(body, "Items") > 1 {
			return
		}
		want, err := sdkReads(t.Context(), body)
		if err != nil {
			return // the SDK also looks at what we pass over
		}
		if len(got) != len(want) {
			t.Fatalf("%d items, the SDK reads %d: %s", len(got), len(want), body)
		}
		for i := range want {
			it, err := plain(want[i])
			if err != nil || it.Key != got[i].Key || string(it.Attrs) != string(got[i].Attrs) {
				t.Fatalf("item %d is %v, the SDK reads %v (%v): %s", i, got[i], it, err, body)
			}
		}
	})
}

func read(body string) (items []table.Item, err error) {
	d := dynamojson.NewDecoder([]byte(body))
	err = d.Object(func(name []byte) error {
		if string(name) != "Items" {
			return d.Skip()
		}
		return d.Array(func() error {
			it, err := d.Item()
			items = append(items, it)
			return err
		})
	})
	return items, err
}
