package dynamo

import (
	"context"
	"math"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"reseed/pkg/table"
)

// DynamoDB's limits.
const (
	maxGet      = 100
	maxWrite    = 25
	maxTransact = 100
	parallel    = 32
	// unitsASecond is what a new table with on-demand capacity takes from the start (Developer
	// Guide, "DynamoDB warm throughput").
	unitsASecond = 4000
)

// Driver is a [table.Driver] on one DynamoDB table.
type Driver struct {
	client *dynamodb.Client
	table  string
	bodies bodies
}

var _ table.Driver = (*Driver)(nil)

// New returns the driver of the table with that name. It makes no call.
func New(client *dynamodb.Client, name string) *Driver {
	return &Driver{client: client, table: name}
}

// Limits implements [table.Driver].
func (d *Driver) Limits() table.Limits {
	return table.Limits{Get: maxGet, Write: maxWrite, Transact: maxTransact, Parallel: parallel, UnitsASecond: unitsASecond}
}

// Close does nothing: the caller of New keeps the client.
func (d *Driver) Close() error { return nil }

// twice lets the SDK repeat a call once: after a lost connection it does so sooner than package
// table would.
func twice(o *dynamodb.Options) { o.RetryMaxAttempts = 2 }

// once keeps the SDK from repeating a conditional write (see the package comment).
func once(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

// Get implements [table.Driver].
func (d *Driver) Get(ctx context.Context, keys []table.Key) ([]table.Item, []table.Key, table.Cost, error) {
	if err := table.CheckKeys(keys, maxGet); err != nil || len(keys) == 0 {
		return nil, nil, table.Cost{}, err
	}
	var got getAnswer
	x := d.exchange(batchGet(d.table, keys), func(answer []byte) (err error) {
		got, err = readGet(answer, d.table, len(keys))
		return err
	})
	_, err := d.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
		RequestItems: map[string]types.KeysAndAttributes{d.table: {Keys: []attributes{}}},
	}, twice, x.option)
	if err != nil {
		return nil, nil, table.Cost{}, failure(err)
	}
	return got.items, got.left, table.Cost{ReadMilli: got.milli}, nil
}

// Query implements [table.Driver].
func (d *Driver) Query(ctx context.Context, q table.Query) (page table.Page, err error) {
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
		in.ProjectionExpression = aws.String(table.AttrPK + "," + table.AttrSK)
	}
	x := d.exchange(nil, func(answer []byte) (err error) {
		page, err = readQuery(answer, q.KeysOnly)
		return err
	})
	if _, err := d.client.Query(ctx, in, twice, x.option); err != nil {
		return table.Page{}, failure(err)
	}
	return page, nil
}

// Scan implements [table.Driver].
func (d *Driver) Scan(ctx context.Context, after table.Key, limit int) (page table.Scanned, err error) {
	if err := table.CheckScan(after, limit); err != nil {
		return page, err
	}
	in := &dynamodb.ScanInput{
		TableName: aws.String(d.table), ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
	if after != (table.Key{}) {
		in.ExclusiveStartKey = attributes{
			table.AttrPK: &types.AttributeValueMemberS{Value: after.PK}, table.AttrSK: &types.AttributeValueMemberS{Value: after.SK},
		}
	}
	if limit > 0 {
		in.Limit = aws.Int32(int32(min(limit, math.MaxInt32)))
	}
	x := d.exchange(nil, func(answer []byte) (err error) {
		page, err = readPage(answer, false)
		return err
	})
	if _, err := d.client.Scan(ctx, in, twice, x.option); err != nil {
		return table.Scanned{}, failure(err)
	}
	return page, nil
}

// keyRange writes from <= sk < to as the one comparison that DynamoDB allows, whose upper bound is
// included. Keys are printable ASCII: so sk < "ab" is the same as sk <= "aa\x7f".
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

// Write implements [table.Driver].
func (d *Driver) Write(ctx context.Context, batch []table.Write) ([]table.Write, table.Cost, error) {
	if err := table.CheckWrites(batch, maxWrite); err != nil || len(batch) == 0 {
		return nil, table.Cost{}, err
	}
	var got writeAnswer
	x := d.exchange(batchWrite(d.table, batch), func(answer []byte) (err error) {
		got, err = readWrite(answer, d.table)
		return err
	})
	_, err := d.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
		RequestItems: map[string][]types.WriteRequest{d.table: {}},
	}, twice, x.option)
	if err != nil {
		return nil, table.Cost{}, failure(err)
	}
	return undone(batch, got.left), table.Cost{WriteMilli: got.milli}, nil
}

// undone returns the writes of the batch whose keys came back.
func undone(batch []table.Write, keys []table.Key) (left []table.Write) {
	if len(keys) == 0 {
		return nil
	}
	back := make(map[table.Key]struct{}, len(keys))
	for _, k := range keys {
		back[k] = struct{}{}
	}
	for _, w := range batch {
		if _, ok := back[w.Item.Key]; ok {
			left = append(left, w)
		}
	}
	return left
}
