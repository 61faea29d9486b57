package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"reseed/pkg/table"
)

// Transact implements [table.Driver].
func (d *Driver) Transact(ctx context.Context, batch []table.Write) (table.Cost, error) {
	if err := table.CheckWrites(batch, maxTransact); err != nil || len(batch) == 0 {
		return table.Cost{}, err
	}
	if len(batch) == 1 {
		return d.single(ctx, batch[0])
	}
	items := make([]types.TransactWriteItem, len(batch))
	for i, w := range batch {
		c := condition(w.If)
		if w.Delete {
			items[i].Delete = &types.Delete{
				TableName: &d.table, Key: key(make(attributes, 2), w.Item.Key),
				ConditionExpression: c.expression, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
			}
		} else {
			items[i].Put = &types.Put{
				TableName: &d.table, Item: encode(w.Item),
				ConditionExpression: c.expression, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
			}
		}
	}
	// The SDK adds a token, by which DynamoDB recognizes a repeated call.
	out, err := d.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems:          items,
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}, twice)
	if err != nil {
		return table.Cost{}, failure(err)
	}
	return writeCost(out.ConsumedCapacity...), nil
}

// single does one conditional write.
func (d *Driver) single(ctx context.Context, w table.Write) (table.Cost, error) {
	c := condition(w.If)
	attempts := once
	if w.If.Op == table.Always {
		attempts = twice
	}
	var used *types.ConsumedCapacity
	if w.Delete {
		out, err := d.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: &d.table, Key: key(make(attributes, 2), w.Item.Key),
			ConditionExpression: c.expression, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
			ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		}, attempts)
		if err != nil {
			return table.Cost{}, failure(err)
		}
		used = out.ConsumedCapacity
	} else {
		out, err := d.client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &d.table, Item: encode(w.Item),
			ConditionExpression: c.expression, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
			ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		}, attempts)
		if err != nil {
			return table.Cost{}, failure(err)
		}
		used = out.ConsumedCapacity
	}
	if used == nil {
		return table.Cost{}, nil
	}
	return writeCost(*used), nil
}

// expression is a condition in DynamoDB's syntax.
type expression struct {
	expression *string
	names      map[string]string
	values     attributes
}

// condition writes c in DynamoDB's syntax. A comparison with an absent attribute is false, and so
// is one with a string: both as in [table.Cond.Holds].
func condition(c table.Cond) expression {
	text := ""
	switch c.Op {
	case table.Always:
		return expression{}
	case table.Absent:
		return expression{expression: aws.String("attribute_not_exists(pk)")}
	case table.AbsentOrLess:
		text = "attribute_not_exists(pk) OR #a < :n"
	case table.Equals:
		text = "#a = :n"
	case table.Less:
		text = "#a < :n"
	}
	return expression{&text, map[string]string{"#a": c.Attr}, attributes{":n": number(c.N)}}
}

// writeCost sums the capacity of calls that only write. It takes CapacityUnits, since only
// transactions report WriteCapacityUnits.
func writeCost(capacity ...types.ConsumedCapacity) table.Cost {
	var c table.Cost
	for _, used := range capacity {
		c.WriteMilli += table.MilliUnits(aws.ToFloat64(used.CapacityUnits))
	}
	return c
}
