// Package dynamojson writes and reads items in DynamoDB's JSON, without the
// SDK's detour over a map and an object for each attribute:
//
//	{"pk":{"S":"0001f.c1#04"},"sk":{"S":"c#04…"},"name":{"S":"Ada"},"_at":{"N":"1763890000000"}}
//
// String is S, Int is N (a decimal in quotes), Bool is BOOL, Bytes is B (base64) and List is an L
// of S. DynamoDB's requests and answers have this form, and so have, as lines {"Item":…}, the files
// that its bulk import reads.
//
// Errors of reading are fault.Internal: store_foreign if the input is well formed but not what
// Reseed writes, else store_engine. Their texts quote no input, which may hold personal data (I8).
package dynamojson
