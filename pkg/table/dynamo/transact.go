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
	// The SDK gives the call a token, by which DynamoDB knows a repetition for one.
	out, err := d.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems:          items,
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}, twice)
	if err != nil {
		return table.Cost{}, failure(err)
	}
	return writes(out.ConsumedCapacity...), nil
}

func (d *Driver) single(ctx context.Context, w table.Write) (table.Cost, error) {
	c := condition(w.If)
	again := once
	if w.If.Op == table.Always {
		again = twice
	}
	var used *types.ConsumedCapacity
	if w.Delete {
		out, err := d.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: &d.table, Key: key(make(attributes, 2), w.Item.Key),
			ConditionExpression: c.expression, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
			ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		}, again)
		if err != nil {
			return table.Cost{}, failure(err)
		}
		used = out.ConsumedCapacity
	} else {
		out, err := d.client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &d.table, Item: encode(w.Item),
			ConditionExpression: c.expression, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
			ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		}, again)
		if err != nil {
			return table.Cost{}, failure(err)
		}
		used = out.ConsumedCapacity
	}
	if used == nil {
		return table.Cost{}, nil
	}
	return writes(*used), nil
}

// expression is a condition in DynamoDB's words.
type expression struct {
	expression *string
	names      map[string]string
	values     attributes
}

// condition spells c. A comparison with an attribute that is absent is false,
// and so is one with a text: both as in [table.Cond.Holds].
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

// writes sums what calls that only write tell: the part of each is told by
// transactions alone.
func writes(capacity ...types.ConsumedCapacity) table.Cost {
	var c table.Cost
	for _, used := range capacity {
		c.WriteMilli += table.MilliUnits(aws.ToFloat64(used.CapacityUnits))
	}
	return c
}
