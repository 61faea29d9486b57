package dynamo

import (
	"reseed/pkg/store"
	"reseed/pkg/store/dynamojson"
)

// appendBatchWrite appends the body of a BatchWriteItem.
func appendBatchWrite(dst []byte, table string, batch []store.Write) []byte {
	dst = append(dst, `{"ReturnConsumedCapacity":"TOTAL","RequestItems":{`...)
	dst = dynamojson.AppendString(dst, table)
	dst = append(dst, `:[`...)
	for i := range batch {
		if i > 0 {
			dst = append(dst, ',')
		}
		if w := &batch[i]; w.Delete {
			dst = append(dst, `{"DeleteRequest":{"Key":`...)
			dst = dynamojson.AppendKey(dst, w.Item.Key)
		} else {
			dst = append(dst, `{"PutRequest":{"Item":`...)
			dst = dynamojson.AppendItem(dst, w.Item)
		}
		dst = append(dst, `}}`...)
	}
	return append(dst, `]}}`...)
}

// appendBatchGet appends the body of a BatchGetItem.
func appendBatchGet(dst []byte, table string, keys []store.Key) []byte {
	dst = append(dst, `{"ReturnConsumedCapacity":"TOTAL","RequestItems":{`...)
	dst = dynamojson.AppendString(dst, table)
	dst = append(dst, `:{"ConsistentRead":true,"Keys":[`...)
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = dynamojson.AppendKey(dst, k)
	}
	return append(dst, `]}}}`...)
}
