// Package actors is the tree that runs the proxy: who decides what, who owns
// what, and what a failure costs.
//
// It takes a checked policy and a transport, and yields a running System. It
// does not parse SOCKS (internal/socks5), touch a socket (internal/transport),
// run Lua (lua/policy) or speak HTTP (web). A relayed byte never passes through
// it. Its data comes from the transport as events and goes to the Ledger, where
// a scrape finds it, and to the log.
//
// # The tree
//
//	supervisor                     decides about the others; resumed if it panics
//	├── metrics                    histograms, busy destinations, pruning; restarted
//	├── sources                    changes what is decided about sources; restarted
//	│   └── source-192.0.2.1 …     one per sending address, watches whether it is plumbed; resumed
//	├── listener-127.0.0.1:1080    owns the listening socket and the sessions; resumed
//	│   ├── acceptor               takes clients off the borrowed socket; restarted
//	│   └── $1, $2 …               connections, one per client; stopped
//	└── web                        serves HTTP on borrowed sockets; restarted
//
// An acceptor is an actor of its own because a restart stops the children of
// the actor that is restarted: if the listener accepted itself, one failed
// accept would cut every session on that address. The socket stays with the
// listener for the same reason: while an acceptor is away, clients wait in the
// kernel's queue and are not refused.
//
// # A reload
//
// System.Reload prepares: it opens the sockets of listeners that are new, reads
// certificates, and has listeners that stay lend their sockets once more where
// these have to be served differently. All that can fail is done by then. The
// supervisor carries the plan out in one turn, by messages:
//
//	new       is spawned
//	stays     adjust: its acceptor is restarted by the new terms; socket and
//	          sessions are kept, clients wait in the queue for that moment
//	removed   retire: its acceptor takes those who wait and stops; the socket is
//	          closed, sessions go on, and with the last of them the actor ends.
//	          Its address can be had again by then, under another actor's name
//	web       another handler answers, on the connections that there are
//
// The terms of a session (its limits, its rules, its policy's handlers) are those
// it was accepted by, until it ends. A generation counts who lives by a policy, and
// closes that behind the last.
//
// # A hand-over
//
// System.BeginHandover copies the descriptors of the listening sockets, for another
// process (internal/handover); each listener gives its copy by a message and goes on.
// Bans and what was decided about sources go with the word to serve.
// Handover.Complete, once that process serves, retires all listeners at once: their
// acceptors stop, what watches the sockets lets them go before they are closed, and the
// queues are the other process's. Clients who are being accepted meanwhile are served
// by whoever accepted them. HTTP is served by one process at a time, so that figures
// do not fall: the new one holds it back (Config.HTTPLater) until the old one has
// closed its own. Figures of the old process are added to those of the new one when
// somebody gathers (inherited.go), until and after its end.
//
// # What a failure costs
//
// What a failure costs and what follows it:
//
//	actor       on a panic   then
//	acceptor    restarted    at once the first time, then after 10 ms … 500 ms, with jitter; a
//	                         dead socket is opened anew, every 0.5 … 30 s until it can be had;
//	                         never given up, ListenerStatus says so meanwhile
//	connection  stopped      its sockets are closed, its session is booked as internal
//	listener    resumed      its sessions live on; a client it was about to admit is closed; what a
//	                         reload had to say to it is said again
//	metrics     restarted    the registry and the counters outlive it
//	sources     restarted    the table of the sources outlives it; sessions read that and not the actor
//	source      resumed      what is counted of it is in the table
//	web         restarted    its sockets outlive it, requests wait in the queue
//	supervisor  resumed      everything lives on; if it ends unasked, so does the process
//
// # What an operator may do
//
// Tree and Sessions are read off the census (internal/census): a list of the actors
// by their mailboxes, and a roll of the connections, which costs a session two short
// locks in its life. No actor is asked, and a relay takes no lock for it.
//
//	Restart   the parent is told that the child has failed: the same messages and the
//	          same decision as after a panic, the table above. Web is restarted a
//	          moment later, since it may serve the request
//	End       a message to each connection, to those first that wait for the client
//	Drain     supervisor, then listener: its acceptor takes those who wait in the queue
//	          and stops, and the socket is closed, so that clients are refused and go
//	          elsewhere; sessions go on until the limit. A reload leaves it drained
//	Shutdown  Drain, and then: sessions that wait for their client are ended once nothing
//	          has moved for 5 s, the others at the limit; then the tree ends. Sockets
//	          that a service manager keeps take clients as long as doors.go says
//	Undrain   the listener opens its address again; while that cannot be had it is
//	          tried as after a dead socket
//
// A session waits for the side that did not send the last byte, as the transport has
// seen it. One that waits for the upstream may be between the end of a mail and the
// answer: to end it may have that mail sent twice.
//
// # Sources
//
// What is known of the sending addresses is in a table (internal/source): those that
// the policy names from load on, and a bounded number of others that somebody asked
// for. Sessions judge a BIND by it, choose by it and count in it, and wait for no
// actor; the sources actor alone changes what is decided there. The table asks the
// addresses of this machine from whom the rules ask them too (rules.Hosts), which
// the watching goroutine has read anew when the system says that they changed.
//
// # The life of a connection
//
//	transport   accepts             acceptor: who does not come from where the rules say is closed,
//	                                and so is whom a limit leaves no room
//	acceptor    books the client    accepted → listener
//	listener    spawns              connection: Started → Conn.Start
//	transport   Secured             with TLS only, before anything is read
//	transport   Readable            machine: greeting → auth → request; replies by Conn.Write
//	machine     doAsk               the policy, on a goroutine of its own → answered
//	machine     judges              source and resolved addresses by the rules: what is forbidden
//	                                is neither bound nor dialled
//	machine     doBind, doDial      Conn.Bind answers at once, Conn.Dial by Dialed
//	machine     doRelay             Conn.Relay: the transport's alone from here on
//	transport   Ended               machine: doEnd → record.end → the actor stops itself
//
// On a forward listener a PROXY header stands for greeting, auth and request: its
// source is bound, its destination dialled (forward.go), and nothing is answered.
// Behind a load balancer a header stands before the greeting and says who the client
// is; behind one of an HTTP listener internal/balancer reads it.
//
// The machine (machine.go, forward.go, handshake.go, asking.go, ruling.go, dialing.go) is pure: an event and the
// time go in, actions come out. connection.go carries them out. Phases are
// securing (over TLS), header (of the PROXY protocol), greeting, auth, request, hook (where the policy is asked),
// dialing, relaying, closing, ended; each before relaying has a deadline, which the transport keeps while
// securing. A relay is held to its listener's limits by the transport, which says in
// Ended which of them it was past. A session ends in one Class and, if it failed, for one Reason with
// one Fault (reason.go).
//
// # Messages
//
// All are in messages.go, in the order of their senders; the transport's events
// are messages to a connection too. Commands are imperative, events past tense.
// Receive never blocks. The listener and its connections run on the goroutine
// of whoever sends to them, mostly a transport's, so that a session costs no
// switch of goroutines; the others run on goroutines of protoactor's. A
// connection has an inbox (internal/census) to which the transport posts
// directly.
//
// # Counting
//
// Whatever must be right is an atomic in the Ledger, added to where it happens
// and read when somebody scrapes: a lost message bends no counter.
// proxy_active_connections is derived: accepted less those that ended. A record
// goes with each session and books its end once, whoever finds out. Only
// histograms and the busiest destinations wait for the metrics actor: ended sessions leave a report, and the
// first of a batch tells it by a message.
//
// # Who owns what
//
// Every goroutine, socket and timer of the running daemon, but for those inside
// net/http, the Go runtime, signal handling, and protoactor's count of dead
// letters, which lives for a second after one:
//
//	what                         owner                 ends when
//	goroutine of a mailbox       protoactor            its mailbox is empty
//	goroutine of Serve           acceptor (task)       the acceptor stops or restarts; it then fails
//	goroutine that hears of      sources (task)        sources stops or restarts
//	 addresses, and its socket   source.Watch
//	goroutine of http Serve      web (task), 1/socket  web stops or restarts
//	goroutine that reads the     rules.Hosts           it has read them
//	 addresses of this host
//	goroutine of a resolver      connection            names are resolved, or the session ends
//	 and its two lookups         egress.Resolve        both have answered or were cancelled
//	goroutine of a question      connection            the policy has answered, or the session ends
//	 and of its call into Lua    the policy's pool     the handler returns; it is abandoned at its deadline
//	goroutines of a policy:
//	 looking at the heap         the policy's pool     no call runs
//	 telling of ended sessions   policy.Hooks          Hooks.Close
//	 tasks                       policy.Hooks          they return, or Hooks.Close
//	timer of spare Lua states    the policy's pool     none is spare
//	goroutine of an event loop,  the reactor           the last listener is closed and the last
//	 its epoll set and eventfd                         session has ended
//	pipe of a burst              the loop              it is closed: when stalled, or with the loop
//	goroutine of one event       the Conn              it is told: one that a timer or a method of
//	                                                   the Conn brought about
//	goroutine that wakes Accept  Serve, web            at once; it starts when they are to end
//	of the goroutine transport:
//	 reader, then client's copier the Conn             its stream ends or the Conn is closed
//	 copier of the upstream      the Conn              likewise
//	 dialler, one per attempt    the Conn              it connects, fails, loses or is cancelled
//	 flusher of a stalled reply, the Conn              the socket has taken it, or is closed
//	  and of each over TLS
//	 timers of a stalled send    the Conn              it goes on, or the session ends
//	listening socket             listener              the listener stops; the acceptor borrows it
//	 and its reserve descriptor  the transport         likewise
//	HTTP listening socket        supervisor            a reload removes it, or the supervisor stops;
//	                                                   web borrows it
//	HTTP connections             http.Server           idle too long, or web stops or restarts, or their
//	                                                   listener is removed and they are idle, 10 s later
//	                                                   in any case
//	goroutine of such a server   web (task)            its connections are closed
//	listening socket prepared    Reload, then the      it is refused, or the listener has it; what it
//	 for a listener that stays   adjust message        stands in for is closed with the next loan
//	policy                       its generation        the last who lives by it has ended
//	goroutine that closes it     the generation        the policy has closed
//	client's socket              the accepted message, the connection does, or the message is dropped
//	                             then the connection
//	upstream's socket            the connection        likewise
//	timer of a session           the Conn, or its loop the session ends
//	timer of an acceptor's pause listener              it runs out, or the listener stops
//	timer of a service's pause   supervisor            it runs out, or the supervisor stops
//	timer of a drain's limit     System                it runs out, the drain is undone, or Stop
//	goroutine that looks at the  System                the tree has ended
//	 memory
//	goroutine of the shutdown    System.Shutdown       no session is left, its limit, or Stop
//	timer of web's restart       System.Restart        it runs out, soon; of no effect once the tree is gone
//	timer of the next pause      sources               it runs out, is set anew, or sources stops or restarts
//	timer of pruning             metrics               it is set anew, or metrics stops or restarts
//	line to another process,     cmd/troupe, after a   the older process ends, or either closes it
//	 its goroutine and that of    hand-over
//	 the reports or of the end
//	copy of a listening socket   Handover              the other process has it, or is abandoned
//	goroutine that waits for a   Reload                the listener has answered, or the tree has ended
//	 socket nobody wants now
//	slot, places and pace        the record            the session is booked as ended
//	goroutine and timer of a     connection            as long as a failed one takes, or the session
//	 banned login                                      ends
//	goroutine of the start       cmd/troupe            the policy is loaded and the tree stands
//	goroutine of the watchdog    cmd/troupe            the tree has ended
//	goroutine and files of the   cmd/troupe            the process ends
//	 log
//
// Nothing else exists.
package actors
