<?php
// Module settings of iTop
$MyModuleSettings = array(
	'combodo-email-synchro' => array (
		'periodicity' => 30,
		'body_parts_order' => 'text/plain,text/html',
		'maximum_email_size' => '10M',
		'exclude_attachment_types' => array ('application/exe'),
		'introductory-patterns' => array ('/^le .+ a écrit :$/i', '|^[0-9]{4}/[0-9]{1,2}/[0-9]{1,2} .+:$|'),
		'multiline-delimiter-patterns' => array (
			0 => '/\\RFrom: .+\\RSent: .+\\R/m',
			3 => '/\\RDe : .+\\RDate d\'envoi : .+\\R/m',
			7 => '/\\TO:.+\\RCC:/m',
		),
		'delimiter-patterns' => array ('/^>.*$/' => false),
		'html-tags-to-remove' => array ('blockquote' => array(), 'div' => array('gmail_quote', 'moz-cite-prefix')),
		'undesired-subject-patterns' => array ('/^Out Of Office/i'),
		'imap_options' => array ('imap', 'tls', 'novalidate-cert'),
		'pop3_auth_option' => 'USER',
		'images_minimum_size' => '100x20',
		'images_maximum_size' => '',
		'ticket_log' => array ('UserRequest' => 'private_log'),
		'use_message_id_as_uid' => true,
		'undesired-purge-delay' => 7,
	),
);
