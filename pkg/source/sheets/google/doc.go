// Package google reads spreadsheets from Google Sheets, with the key of a service account. It asks
// for read-only scopes: the Sheets API for cells, the Drive API for the version of the file.
//
// Calls are paced below Google's quota of 60 reads a minute for each user. What Google refuses for a
// while (quotas, errors of its servers) is asked again with growing, random pauses, or after the time
// that Google names. Only the command and the Lambda function pull link this package.
package google
