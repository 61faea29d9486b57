package dynamo

import (
	"context"
	"math"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"reseed/pkg/store"
)

// DynamoDB's ceilings per call.
const (
	maxGet      = 100
	maxWrite    = 25
	maxTransact = 100
	parallel    = 32
	// unitsASecond is what a new table on demand takes at once ("Warm throughput").
	unitsASecond = 4000
)

// Driver is a [store.Driver] on one DynamoDB table.
type Driver struct {
	client *dynamodb.Client
	table  string
}

var _ store.Driver = (*Driver)(nil)

// New wraps a client. It makes no call: the first one a request needs is the first one made.
func New(client *dynamodb.Client, table string) *Driver {
	return &Driver{client: client, table: table}
}

// Limits are DynamoDB's.
func (d *Driver) Limits() store.Limits {
	return store.Limits{Get: maxGet, Write: maxWrite, Transact: maxTransact, Parallel: parallel, UnitsASecond: unitsASecond}
}

// Close has nothing to do: the client is its maker's.
func (d *Driver) Close() error { return nil }

// twice lets the SDK repeat a call that may be repeated: a lost connection is
// not worth the long way round.
func twice(o *dynamodb.Options) { o.RetryMaxAttempts = 2 }

// once keeps the SDK from repeating a conditional write.
func once(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

// Get implements [store.Driver].
func (d *Driver) Get(ctx context.Context, keys []store.Key) ([]store.Item, []store.Key, store.Cost, error) {
	if err := store.CheckKeys(keys, maxGet); err != nil || len(keys) == 0 {
		return nil, nil, store.Cost{}, err
	}
	names := make([]attributes, len(keys))
	for i, k := range keys {
		names[i] = key(make(attributes, 2), k)
	}
	out, err := d.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
		RequestItems:           map[string]types.KeysAndAttributes{d.table: {Keys: names, ConsistentRead: aws.Bool(true)}},
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}, twice)
	if err != nil {
		return nil, nil, store.Cost{}, failure(err)
	}
	dec := newDecoder()
	items := make([]store.Item, 0, len(keys))
	for _, m := range out.Responses[d.table] {
		it, err := dec.item(m, false)
		if err != nil {
			return nil, nil, store.Cost{}, err
		}
		items = append(items, it)
	}
	var left []store.Key
	for _, m := range out.UnprocessedKeys[d.table].Keys {
		k, err := decodeKey(m)
		if err != nil {
			return nil, nil, store.Cost{}, err
		}
		left = append(left, k)
	}
	return items, left, reads(out.ConsumedCapacity...), nil
}

// Query implements [store.Driver].
func (d *Driver) Query(ctx context.Context, q store.Query) (page store.Page, err error) {
	from, to, some, err := q.Range()
	if err != nil || !some {
		return page, err
	}
	in := &dynamodb.QueryInput{
		TableName:              aws.String(d.table),
		ConsistentRead:         aws.Bool(true),
		ScanIndexForward:       aws.Bool(!q.Reverse),
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
	in.KeyConditionExpression, in.ExpressionAttributeValues = keyRange(q.PK, from, to)
	if q.Limit > 0 {
		in.Limit = aws.Int32(int32(min(q.Limit, math.MaxInt32)))
	}
	if q.KeysOnly {
		in.ProjectionExpression = aws.String(store.AttrPK + "," + store.AttrSK)
	}
	out, err := d.client.Query(ctx, in, twice)
	if err != nil {
		return page, failure(err)
	}
	dec := newDecoder()
	page.Items = make([]store.Item, 0, len(out.Items))
	for _, m := range out.Items {
		it, err := dec.item(m, q.KeysOnly)
		if err != nil {
			return store.Page{}, err
		}
		page.Items = append(page.Items, it)
	}
	if len(out.LastEvaluatedKey) > 0 {
		last, err := decodeKey(out.LastEvaluatedKey)
		if err != nil {
			return store.Page{}, err
		}
		page.Next = last.SK
	}
	if out.ConsumedCapacity != nil {
		page.Cost = reads(*out.ConsumedCapacity)
	}
	return page, nil
}

// keyRange asks for from <= sk < to in the one comparison DynamoDB allows.
// Keys are printable ASCII, so those below to are those up to to with its last
// byte lowered by one and 0x7f behind.
func keyRange(pk, from, to string) (*string, attributes) {
	values := attributes{":p": &types.AttributeValueMemberS{Value: pk}}
	expression := "pk = :p"
	if to != "" {
		last := len(to) - 1
		values[":t"] = &types.AttributeValueMemberS{Value: to[:last] + string([]byte{to[last] - 1, 0x7f})}
	}
	if from != "" {
		values[":f"] = &types.AttributeValueMemberS{Value: from}
	}
	switch {
	case from != "" && to != "":
		expression += " AND sk BETWEEN :f AND :t"
	case from != "":
		expression += " AND sk >= :f"
	case to != "":
		expression += " AND sk <= :t"
	}
	return &expression, values
}

// Write implements [store.Driver].
func (d *Driver) Write(ctx context.Context, batch []store.Write) ([]store.Write, store.Cost, error) {
	if err := store.CheckWrites(batch, maxWrite); err != nil || len(batch) == 0 {
		return nil, store.Cost{}, err
	}
	requests := make([]types.WriteRequest, len(batch))
	for i, w := range batch {
		if w.Delete {
			requests[i].DeleteRequest = &types.DeleteRequest{Key: key(make(attributes, 2), w.Item.Key)}
		} else {
			requests[i].PutRequest = &types.PutRequest{Item: encode(w.Item)}
		}
	}
	out, err := d.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
		RequestItems:           map[string][]types.WriteRequest{d.table: requests},
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}, twice)
	if err != nil {
		return nil, store.Cost{}, failure(err)
	}
	left, err := undone(batch, out.UnprocessedItems[d.table])
	if err != nil {
		return nil, store.Cost{}, err
	}
	return left, writes(out.ConsumedCapacity...), nil
}

// undone finds the writes that came back, by their keys.
func undone(batch []store.Write, requests []types.WriteRequest) (left []store.Write, err error) {
	if len(requests) == 0 {
		return nil, nil
	}
	back := make(map[store.Key]struct{}, len(requests))
	for _, r := range requests {
		var m attributes
		switch {
		case r.PutRequest != nil:
			m = r.PutRequest.Item
		case r.DeleteRequest != nil:
			m = r.DeleteRequest.Key
		}
		k, err := decodeKey(m)
		if err != nil {
			return nil, err
		}
		back[k] = struct{}{}
	}
	for _, w := range batch {
		if _, ok := back[w.Item.Key]; ok {
			left = append(left, w)
		}
	}
	return left, nil
}

func reads(capacity ...types.ConsumedCapacity) store.Cost {
	return store.Cost{ReadMilli: total(capacity)}
}

func writes(capacity ...types.ConsumedCapacity) store.Cost {
	return store.Cost{WriteMilli: total(capacity)}
}

// total sums what calls that only read or only write tell: the part of each
// is told by transactions alone.
func total(capacity []types.ConsumedCapacity) (milli int64) {
	for _, c := range capacity {
		milli += store.MilliUnits(aws.ToFloat64(c.CapacityUnits))
	}
	return milli
}
