package dynamo

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"reseed/pkg/table"
)

type attributes = map[string]types.AttributeValue

// encode converts an item to the SDK's types, without attributevalue's reflection, which is slow.
func encode(it table.Item) attributes {
	m := make(attributes, 16)
	key(m, it.Key)
	for name, v := range it.Attrs.All() {
		m[name] = value(v)
	}
	return m
}

func key(m attributes, k table.Key) attributes {
	m[table.AttrPK] = &types.AttributeValueMemberS{Value: k.PK}
	m[table.AttrSK] = &types.AttributeValueMemberS{Value: k.SK}
	return m
}

func value(v table.Value) types.AttributeValue {
	switch v.Type {
	case table.Int:
		return number(v.Int())
	case table.Bool:
		return &types.AttributeValueMemberBOOL{Value: v.Bool()}
	case table.Bytes:
		return &types.AttributeValueMemberB{Value: v.Raw}
	case table.List:
		list := v.List()
		values := make([]types.AttributeValue, len(list))
		for i, s := range list {
			values[i] = &types.AttributeValueMemberS{Value: s}
		}
		return &types.AttributeValueMemberL{Value: values}
	case table.String:
	}
	return &types.AttributeValueMemberS{Value: v.Str()}
}

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
