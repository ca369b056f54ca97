-- MySQL dump
INSERT INTO `eventum_email_account` VALUES (1,3,'imap/ssl/novalidate-cert','INBOX','imap.example.com',993,'issues@example.com','c0rrect\' horse',1,0,'enabled','a:1:{s:8:"category";s:1:"3";}',1);
