package dynamo

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"reseed/pkg/store"
)

type attributes = map[string]types.AttributeValue

// encode spells an item by hand: reflection would be a third of an import.
func encode(it store.Item) attributes {
	m := make(attributes, 16)
	key(m, it.Key)
	for name, v := range it.Attrs.All() {
		m[name] = value(v)
	}
	return m
}

func key(m attributes, k store.Key) attributes {
	m[store.AttrPK] = &types.AttributeValueMemberS{Value: k.PK}
	m[store.AttrSK] = &types.AttributeValueMemberS{Value: k.SK}
	return m
}

func value(v store.Value) types.AttributeValue {
	switch v.Type {
	case store.Int:
		return number(v.Int())
	case store.Bool:
		return &types.AttributeValueMemberBOOL{Value: v.Bool()}
	case store.Bytes:
		return &types.AttributeValueMemberB{Value: v.Raw}
	case store.List:
		list := v.List()
		values := make([]types.AttributeValue, len(list))
		for i, s := range list {
			values[i] = &types.AttributeValueMemberS{Value: s}
		}
		return &types.AttributeValueMemberL{Value: values}
	case store.String:
	}
	return &types.AttributeValueMemberS{Value: v.Str()}
}

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
