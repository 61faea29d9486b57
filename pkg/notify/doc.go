// Package notify tells people of jobs that have ended, or that wait for them: it takes messages from
// the outbox of the ledger (see package job), makes their text from the job, and hands them to each
// way to people that the settings name, such as mail or a webhook.
//
// Before a try, a conditional write marks that it begins, so that two processes never send the same
// message at the same time. A process that dies between that mark and the end of the try may or may
// not have sent it; another try follows when its lease is over, with the same id. So a message is
// sent once, unless the other side did not answer, or its answer was lost.
//
// A message holds no values of records: no names, addresses, external ids or names of files. Reasons
// of rejects are told by their code and place.
//
// Packages mail and ses have the ways for mail. Only the function notify and the command link them.
package notify
