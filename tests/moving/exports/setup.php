<?php
return [
    'email_routing' => ['status' => 'disabled', 'address_prefix' => 'issue_', 'address_host' => 'example.com'],
    'note_routing' => ['status' => 'disabled', 'address_prefix' => 'note_'],
    'subject_based_routing' => ['status' => 'enabled'],
    'smtp' => ['from' => 'Eventum <issues@example.com>', 'host' => 'localhost', 'port' => '25', 'auth' => '1', 'username' => 'ev', 'password' => 'c0rrecthorse'],
];
