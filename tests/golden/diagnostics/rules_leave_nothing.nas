space s {
  input image: [3, 32, 32]
  x[0] = image >> conv_bn_relu(4, k = 3)
  for i in 0..2 {
    choose op[i] in { conv3: conv_bn_relu(k = 3), skip }
    x[i+1] = x[i] >> op[i]()
  }
  require at most 0 of op[*] = conv3
  require op[0] == "conv3" or op[1] == "conv3"
  task t = x[2] >> global_avg_pool() >> linear(10) { loss cross_entropy() }
}
