// Package mail has ways for messages by e-mail: to an SMTP server, or into a folder as files that
// mail programs open. It also writes a message as the bytes of an e-mail, for other ways.
package mail
