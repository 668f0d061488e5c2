// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice An ERC-721-shaped token: its Transfer has the same first topic as ERC-20's, but four topics.
contract NftToken {
    mapping(uint256 => address) public ownerOf;
    mapping(address => uint256) public balanceOf;

    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);

    function mint(address to, uint256 tokenId) external {
        ownerOf[tokenId] = to;
        ++balanceOf[to];
        emit Transfer(address(0), to, tokenId);
    }
}
