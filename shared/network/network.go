// Package network is the domain: the chains (上下游) that companies own, the
// partners that they bring in, and the rules of who may invite, join and see
// whom. It knows nothing of AWS or HTTP, does no I/O, and reads no clock.
//
//	Corp     a company (企业); a Member is a person in it
//	Chain    a corp's space for its partners (上下游空间), with its join policy
//	Group    where a partner stands in a chain (分组), a tree under the root
//	Partner  a corp in a chain; from a roster it may wait before the corp is known
//	Contact  a person of a partner: imported, invited, joined
//	Invite   a link that lets people in; a notice is an imported contact's own
//	Import   a roster on its way in
//
// Rules are numbered as in the rule book (R01…R49), and tests name them.
package network
